package dev.trimtab.quality;

import dev.trimtab.error.InvalidRequest;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.ForwardPass;
import java.lang.foreign.Arena;
import java.util.Arrays;

/// Measures what a variant changes: runs two models of the same vocabulary over the same windows of text, and
/// compares their logits at every position. No engine and no loop may own either model meanwhile.
public final class DivergenceProbe {
    /// Tokens in one batch: enough that matrices are multiplied in panels, few enough that the logits of a
    /// large vocabulary stay at some tens of megabytes. A model needs no larger capacity of either kind.
    public static final int BATCH_TOKENS = 64;

    private DivergenceProbe() {}

    /// The divergence of `variant` from `reference` over `text`.
    ///
    /// @throws InvalidRequest when the vocabularies differ in size, or a window is longer than a context
    public static Divergence measure(ForwardPass reference, ForwardPass variant, TextWindows text) {
        if (reference.vocabSize() != variant.vocabSize()) {
            throw InvalidRequest.of("a variant with " + variant.vocabSize() + " tokens cannot be measured against a "
                    + "reference with " + reference.vocabSize());
        }
        Divergence.Sum sum = new Divergence.Sum();
        try (Run expected = new Run(reference, text.longest());
                Run found = new Run(variant, text.longest())) {
            for (int[] window : text.windows()) {
                for (int from = 0; from < window.length; from += BATCH_TOKENS) {
                    int to = Math.min(window.length, from + BATCH_TOKENS);
                    compare(expected.logits(window, from, to), found.logits(window, from, to), sum);
                }
            }
        }
        return sum.result();
    }

    private static void compare(Activations expected, Activations found, Divergence.Sum sum) {
        for (int row = 0; row < expected.tokens(); row++) {
            sum.add(
                    expected.values(),
                    row * expected.stride(),
                    found.values(),
                    row * found.stride(),
                    expected.columns());
        }
    }

    /// One model and the KV cache of one sequence.
    private static final class Run implements AutoCloseable {
        private final ForwardPass model;
        private final Arena arena = Arena.ofShared();
        private final long[] blocks;
        private final TokenBatch batch;

        Run(ForwardPass model, int lengthMax) {
            if (lengthMax > model.contextLength()) {
                throw InvalidRequest.of(
                        "a window of " + lengthMax + " tokens: the model's context is " + model.contextLength());
            }
            this.model = model;
            long blockBytes = model.kvLayout().blockBytes();
            this.blocks = new long[Math.ceilDiv(lengthMax, KvLayout.BLOCK_TOKENS)];
            Arrays.setAll(blocks, i -> i * blockBytes);
            this.batch = new TokenBatch(arena.allocate(blocks.length * blockBytes, 64), BATCH_TOKENS, 1);
        }

        /// Runs `window[from .. to)`, behind what ran before; the logits after each token.
        Activations logits(int[] window, int from, int to) {
            batch.clear();
            batch.addSequence(blocks);
            for (int position = from; position < to; position++) {
                batch.addToken(window[position], position);
                batch.wantLogits();
            }
            return model.forward(batch);
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
