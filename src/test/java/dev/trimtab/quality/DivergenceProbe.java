package dev.trimtab.quality;

import dev.trimtab.error.InvalidRequest;
import dev.trimtab.kernel.Activations;
import dev.trimtab.model.ForwardPass;

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
        try (SequenceRun expected = new SequenceRun(reference, text.longest());
                SequenceRun found = new SequenceRun(variant, text.longest())) {
            for (int[] window : text.windows()) {
                for (int from = 0; from < window.length; from += BATCH_TOKENS) {
                    int to = Math.min(window.length, from + BATCH_TOKENS);
                    compare(expected.forward(window, from, to, 0), found.forward(window, from, to, 0), sum);
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
}
