package dev.trimtab.kernel.logits;

import dev.trimtab.kernel.vector.Lanes;

/// Passes over one row of logits, `values[from .. from + count)`, `count >= 1`. Stateless and thread-safe.
///
/// Each tier gives exactly the same answers, not close ones: a seed must draw the same token on every
/// machine.
public interface Logits {
    /// What [#argmax] answers for a row with a NaN, or without a finite maximum.
    int NONE = -1;

    /// Plain loops: the reference.
    static Logits scalar() {
        return ScalarLogits.INSTANCE;
    }

    /// SIMD; needs what [dev.trimtab.kernel.Kernels#vector] needs.
    static Logits vector() {
        return VectorLogits.INSTANCE;
    }

    /// The fastest tier this process can run, compiled: the first call takes up to [Best#BUDGET_NANOS].
    static Logits best() {
        return Best.TIER;
    }

    /// The index from `from` of the first of the largest values, or [#NONE].
    int argmax(float[] values, int from, int count);

    /// With `stripes = maxima.length <= count`: sets `maxima[s]` to the largest of the values whose index is
    /// `s` modulo `stripes`, and returns the largest of all; NaN, and no matter what in `maxima`, where any
    /// value is NaN.
    float stripeMaxima(float[] values, int from, int count, float[] maxima);

    /// The choice, made once. Until C2 has compiled a pass it takes a hundred times as long, which the first
    /// thousand steps of a small model would pay; where it stays so, plain loops serve.
    final class Best {
        private static final int LENGTH = 4096;

        /// What both passes over [#LENGTH] values take less than when compiled (2 microseconds with 512 bits)
        /// and more than otherwise (100 and more).
        private static final long COMPILED_NANOS = 30_000;

        /// Compiling takes some 60 ms, longer when much else waits for the compiler.
        static final long BUDGET_NANOS = 500_000_000;

        private static final Logits TIER = choose();

        private Best() {}

        private static Logits choose() {
            boolean vectors =
                    ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() && Lanes.BITS >= 128;
            return vectors && becomesFast(vector()) ? vector() : scalar();
        }

        private static boolean becomesFast(Logits tier) {
            float[] row = new float[LENGTH];
            float[] maxima = new float[LENGTH / 64];
            long startNanos = System.nanoTime();
            long passNanos = startNanos;
            while (passNanos - startNanos < BUDGET_NANOS) {
                tier.argmax(row, 0, LENGTH);
                tier.stripeMaxima(row, 0, LENGTH, maxima);
                long nowNanos = System.nanoTime();
                if (nowNanos - passNanos < COMPILED_NANOS) {
                    return true;
                }
                passNanos = nowNanos;
            }
            return false;
        }
    }
}
