package dev.trimtab.variant;

import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.ForwardPass;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/// Runs a fresh model on nothing in particular until its kernels are compiled, so that the first request does
/// not pay for it: until then the Vector API allocates an object for every vector and is a hundred times
/// slower.
final class WarmUp {
    /// Shapes of batch that serving meets: decode alone, decode of several, prefill.
    private static final int[] SEQUENCES = {1, 8, 1};

    private static final int[] TOKENS_EACH = {1, 1, KvLayout.BLOCK_TOKENS};

    /// A small model is compiled well before this.
    private static final long BUDGET_NANOS = 4_000_000_000L;

    /// A large model has settled when, after so long, a round is hardly faster than the fastest before.
    private static final long SETTLING_NANOS = 1_000_000_000L;

    private static final double HARDLY = 0.9;

    /// Passes of each shape: C2 compiles a loop after some ten thousand rounds of it, in the background.
    private static final int PASSES = 300;

    private WarmUp() {}

    /// Each pass is a task of its own for `engineThread`, which runs it where the model's forward pass may run,
    /// and between them what is served already takes its steps.
    static void run(ForwardPass model, LongSupplier nanoClock, Consumer<Runnable> engineThread) {
        long startNanos = nanoClock.getAsLong();
        try (Arena arena = Arena.ofShared()) {
            int sequences = Arrays.stream(SEQUENCES).max().orElseThrow();
            int capacity = Math.min(model.tokenCapacity(), KvLayout.BLOCK_TOKENS);
            TokenBatch batch =
                    new TokenBatch(arena.allocate(sequences * model.kvLayout().blockBytes(), 64), capacity, sequences);
            long fastestNanos = Long.MAX_VALUE;
            boolean settled = false;
            for (int pass = 0; pass < PASSES && !settled; pass++) {
                long fromNanos = nanoClock.getAsLong();
                for (int shape = 0; shape < SEQUENCES.length; shape++) {
                    fill(batch, model, Math.min(SEQUENCES[shape], model.logitCapacity()), TOKENS_EACH[shape]);
                    engineThread.accept(() -> model.forward(batch));
                }
                long toNanos = nanoClock.getAsLong();
                long taken = toNanos - fromNanos;
                long elapsed = toNanos - startNanos;
                settled = elapsed > BUDGET_NANOS || (elapsed > SETTLING_NANOS && taken > HARDLY * fastestNanos);
                fastestNanos = Math.min(fastestNanos, taken);
            }
        }
    }

    private static void fill(TokenBatch batch, ForwardPass model, int sequences, int tokensEach) {
        batch.clear();
        int tokens = Math.min(tokensEach, model.contextLength());
        for (int s = 0; s < sequences && (s + 1) * tokens <= batch.tokenCapacity(); s++) {
            batch.addSequence(new long[] {s * model.kvLayout().blockBytes()});
            for (int t = 0; t < tokens; t++) {
                batch.addToken((s + t) % model.vocabSize(), t);
            }
            batch.wantLogits();
        }
    }
}
