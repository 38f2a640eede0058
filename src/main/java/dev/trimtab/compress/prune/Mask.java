package dev.trimtab.compress.prune;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;

/// Which of some weights go: exactly as many as asked for, those of the lowest scores; of equal ones the first.
final class Mask {
    private Mask() {}

    /// A copy of `matrix` with zeros where `scores`, one for each weight, are lowest.
    ///
    /// @param byRow whether the weights of a row compete, or all
    static Matrix apply(Matrix matrix, float[] scores, WeightPattern pattern, boolean byRow, ComputePool pool) {
        check(scores, matrix.columns());
        Matrix pruned = matrix.copy();
        int columns = matrix.columns();
        if (pattern instanceof WeightPattern.Share(double share) && !byRow) {
            clear(pruned.values(), scores, 0, scores.length, Math.round(share * scores.length));
            return pruned;
        }
        pool.run(matrix.rows(), 1, (from, to) -> {
            for (int row = from; row < to; row++) {
                clearRow(pruned.values(), scores, row * columns, columns, pattern);
            }
        });
        return pruned;
    }

    private static void check(float[] scores, int columns) {
        for (int i = 0; i < scores.length; i++) {
            if (!Float.isFinite(scores[i])) {
                throw BadCheckpoint.mismatch(
                        "the score of weight [" + i / columns + ", " + i % columns + "]", "a finite number", scores[i]);
            }
        }
    }

    private static void clearRow(float[] weights, float[] scores, int start, int columns, WeightPattern pattern) {
        switch (pattern) {
            case WeightPattern.Share(double share) ->
                clear(weights, scores, start, columns, Math.round(share * columns));
            case WeightPattern.KeptOf kept -> {
                for (int at = 0; at < columns; at += kept.of()) {
                    int count = Math.min(kept.of(), columns - at);
                    clear(weights, scores, start + at, count, kept.removedOf(count));
                }
            }
        }
    }

    private static void clear(float[] weights, float[] scores, int start, int count, long removed) {
        float threshold = threshold(scores, start, count, removed);
        long ties = removed - below(scores, start, count, threshold);
        for (int i = start; i < start + count; i++) {
            boolean isTie = scores[i] == threshold && ties > 0;
            if (scores[i] < threshold || isTie) {
                weights[i] = 0;
            }
            ties -= isTie ? 1 : 0;
        }
    }

    /// The `removed`-th lowest of the scores; those below it go, and of those equal to it as many as are
    /// missing.
    private static float threshold(float[] scores, int start, int count, long removed) {
        if (removed == 0) {
            return Float.NEGATIVE_INFINITY;
        }
        float[] sorted = Arrays.copyOfRange(scores, start, start + count);
        Arrays.sort(sorted);
        return sorted[(int) removed - 1];
    }

    private static long below(float[] scores, int start, int count, float threshold) {
        long below = 0;
        for (int i = start; i < start + count; i++) {
            below += scores[i] < threshold ? 1 : 0;
        }
        return below;
    }
}
