package dev.trimtab.compress.prune;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Cholesky;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.kernel.ComputePool;

/// The last matrix W of a block, `[rows, columns]`, without the columns p that went, and a bias for its
/// output, which are to give what `W x` gave. k are the columns that stay, m the mean of x and C its second
/// moments; each way has a smaller expected error than the one before:
///
/// | way | matrix | bias | needs |
/// |---|---|---|---|
/// | dropped | `W_k` | 0 | nothing |
/// | bias | `W_k` | `W_p m_p` | statistics |
/// | least squares | `W_k + W_p S_pk (S_kk + lambda I)^-1 = W_k + D` | `W_p m_p - D m_k` | covariance |
///
/// with `S = C - m m^T`. The bias is FLAP's (An et al. 2024, equation 8); least squares is the minimum of
/// `E norm(W x - W' x_k - b)^2` over W' and b up to the damping lambda ([Moments#DAMPING]). Where a file has no
/// place for a bias there is [#linear], with C for S and no bias.
///
/// @param bias one for each row, to be added to the one there is
@SuppressWarnings("ArrayRecordComponent")
public record Compensated(Matrix matrix, float[] bias) {
    /// Without compensation.
    public static Compensated dropped(Matrix last, int[] kept) {
        return new Compensated(last.keepColumns(kept), new float[last.rows()]);
    }

    /// What went is replaced by its mean.
    public static Compensated bias(Matrix last, int[] kept, InputStatistics statistics) {
        float[] bias = new float[last.rows()];
        int[] pruned = Moments.others(kept, last.columns());
        for (int row = 0; row < bias.length; row++) {
            double sum = 0;
            for (int j : pruned) {
                sum += (double) last.at(row, j) * statistics.mean()[j];
            }
            bias[row] = (float) sum;
        }
        return new Compensated(last.keepColumns(kept), bias);
    }

    /// What went is replaced by what the rest says of it. Takes `kept^2` doubles, `kept^3 / 3` multiply-adds
    /// and `2 rows columns kept` more: for 6144 of 8192 columns and 2048 rows 300 MB and some tens of seconds.
    public static Compensated leastSquares(Matrix last, int[] kept, Inputs inputs, ComputePool pool) {
        float[] mean = inputs.statistics().mean();
        Compensated means = bias(last, kept, inputs.statistics());
        double[][] shift = solve(last, kept, inputs.covariance(), mean, pool);
        float[] bias = means.bias().clone();
        for (int row = 0; row < bias.length; row++) {
            double sum = 0;
            for (int k = 0; k < kept.length; k++) {
                sum += shift[row][k] * mean[kept[k]];
            }
            bias[row] -= (float) sum;
        }
        return new Compensated(added(means.matrix(), shift), bias);
    }

    /// Least squares without a bias.
    public static Compensated linear(Matrix last, int[] kept, Covariance covariance, ComputePool pool) {
        double[][] shift = solve(last, kept, covariance, new float[last.columns()], pool);
        return new Compensated(added(last.keepColumns(kept), shift), new float[last.rows()]);
    }

    /// D, `[rows][kept]`.
    private static double[][] solve(Matrix last, int[] kept, Covariance covariance, float[] mean, ComputePool pool) {
        int[] pruned = Moments.others(kept, last.columns());
        double[][] right = new double[last.rows()][kept.length];
        pool.run(last.rows(), 1, (from, to) -> {
            for (int p : pruned) {
                double[] moments = new double[kept.length];
                for (int k = 0; k < kept.length; k++) {
                    moments[k] = Moments.centred(covariance, mean, p, kept[k]);
                }
                for (int row = from; row < to; row++) {
                    double weight = last.at(row, p);
                    for (int k = 0; k < moments.length; k++) {
                        right[row][k] += weight * moments[k];
                    }
                }
            }
        });
        Cholesky factorized = Moments.factorized(covariance, mean, kept, pool);
        factorized.solveRows(right);
        return right;
    }

    private static Matrix added(Matrix left, double[][] shift) {
        for (int row = 0; row < left.rows(); row++) {
            for (int k = 0; k < left.columns(); k++) {
                left.values()[row * left.columns() + k] += (float) shift[row][k];
            }
        }
        return left;
    }
}
