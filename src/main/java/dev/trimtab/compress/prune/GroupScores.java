package dev.trimtab.compress.prune;

import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.matrix.Matrix;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// The scores of [StructuredMethod], one for each of a block's groups: its neurons, of one column each, or its
/// KV groups, of as many as their query heads have elements. Group g has the columns `[g n, (g + 1) n)`.
public final class GroupScores {
    private GroupScores() {}

    /// FLAP's weighted input feature variance of the heads of g, summed.
    ///
    /// @param last `[hiddenSize, columns]`
    /// @param statistics of its input
    /// @param headDim columns over which the mean is taken; 1 for neurons
    public static double[] flap(Matrix last, InputStatistics statistics, int groups, int headDim) {
        double[] norms = columnSquares(last);
        double[] scores = new double[norms.length];
        for (int j = 0; j < scores.length; j++) {
            scores[j] = statistics.variance(j) * norms[j] / headDim;
        }
        return sums(scores, groups);
    }

    /// `sum w^2` over the columns that g has in `last` and the rows that it has in each of `others` (q, k and v,
    /// or gate and up).
    ///
    /// @param others `[rows, hiddenSize]`, rows that divide by `groups`
    public static double[] magnitude(Matrix last, List<Matrix> others, int groups) {
        double[] scores = sums(columnSquares(last), groups);
        for (Matrix other : others) {
            double[] more = sums(rowSquares(other), groups);
            for (int g = 0; g < groups; g++) {
                scores[g] += more[g];
            }
        }
        return scores;
    }

    /// The mean share of tokens in which the columns of g are not near 0.
    ///
    /// @param nearZero the share in which they are, by column
    public static double[] activity(float[] nearZero, int groups) {
        double[] active = new double[nearZero.length];
        Arrays.setAll(active, j -> (1 - nearZero[j]) * groups / nearZero.length);
        return sums(active, groups);
    }

    /// In 0..1, the same for the same seed.
    public static double[] random(int groups, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] scores = new double[groups];
        Arrays.setAll(scores, _ -> random.nextDouble());
        return scores;
    }

    private static double[] sums(double[] columns, int groups) {
        assert columns.length % groups == 0 : columns.length + " in " + groups;
        int size = columns.length / groups;
        double[] sums = new double[groups];
        for (int j = 0; j < columns.length; j++) {
            sums[j / size] += columns[j];
        }
        return sums;
    }

    /// `norm(W_:,j)^2`
    static double[] columnSquares(Matrix matrix) {
        double[] squares = new double[matrix.columns()];
        for (int row = 0; row < matrix.rows(); row++) {
            for (int j = 0; j < squares.length; j++) {
                double w = matrix.at(row, j);
                squares[j] += w * w;
            }
        }
        return squares;
    }

    private static double[] rowSquares(Matrix matrix) {
        double[] squares = new double[matrix.rows()];
        for (int row = 0; row < squares.length; row++) {
            for (int j = 0; j < matrix.columns(); j++) {
                double w = matrix.at(row, j);
                squares[row] += w * w;
            }
        }
        return squares;
    }
}
