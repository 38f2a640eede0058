package dev.trimtab.compress.prune;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;
import java.util.stream.IntStream;

/// SparseGPT (Frantar and Alistarh 2023, algorithm 1): columns are visited in order; where a weight is set to
/// zero, the weights of its row in later columns take over what they can. With `H = E[x x^T] + lambda I` and
/// the upper triangular U of `H^-1 = U^T U`, for column j
///
///     e = (w_j - w'_j) / U_jj,   w_k -= e U_jk for all k > j
///
/// and the weights of [#BLOCK] columns that have the lowest `w^2 / U_jj^2` go, which is what the output loses
/// by each. Inputs that are always 0 lose their weights first.
///
/// U comes from one factorization: with columns in reverse order `H = L L^T`, so that turned back H is `R R^T`
/// with an upper triangular R, and `U = R^-1`.
final class SparseGpt {
    /// Columns whose weights are chosen together, as in the paper.
    private static final int BLOCK = 128;

    /// Rows that take over errors together, so that a line of U is read once for all of them.
    private static final int ROWS = 8;

    private final Matrix weights;
    private final double[][] factor;
    private final ComputePool pool;

    private SparseGpt(Matrix weights, double[][] factor, ComputePool pool) {
        this.weights = weights;
        this.factor = factor;
        this.pool = pool;
    }

    /// A pruned copy of `matrix`. Takes `2 columns^2` doubles and `columns^3 / 2 + rows columns^2 / 2`
    /// multiply-adds.
    static Matrix prune(Matrix matrix, Covariance covariance, WeightPattern pattern, ComputePool pool) {
        assert covariance.size() == matrix.columns() : covariance.size();
        SparseGpt run = new SparseGpt(matrix.copy(), factor(covariance, pool), pool);
        // Consecutive weights of a pattern are in one block.
        int block = pattern instanceof WeightPattern.KeptOf kept ? BLOCK / kept.of() * kept.of() : BLOCK;
        for (int from = 0; from < matrix.columns(); from += block) {
            run.pruneBlock(from, Math.min(matrix.columns(), from + block), pattern);
        }
        return run.weights;
    }

    /// U, `[columns][columns]`.
    private static double[][] factor(Covariance covariance, ComputePool pool) {
        int size = covariance.size();
        int[] reversed = IntStream.range(0, size).map(i -> size - 1 - i).toArray();
        double[][] inverse =
                Moments.factorized(covariance, new float[size], reversed, pool).inverseLower();
        double[][] upper = new double[size][size];
        for (int i = 0; i < size; i++) {
            for (int j = i; j < size; j++) {
                upper[i][j] = inverse[size - 1 - i][size - 1 - j];
            }
        }
        return upper;
    }

    private void pruneBlock(int from, int to, WeightPattern pattern) {
        boolean[][] goes = choose(from, to, pattern);
        pool.run(Math.ceilDiv(weights.rows(), ROWS), 1, (first, last) -> {
            double[][] rows = new double[ROWS][weights.columns()];
            double[][] errors = new double[ROWS][to - from];
            for (int group = first; group < last; group++) {
                int start = group * ROWS;
                int count = Math.min(ROWS, weights.rows() - start);
                for (int i = 0; i < count; i++) {
                    load(start + i, rows[i], from);
                    pruneRow(rows[i], errors[i], from, to, goes[start + i], pattern);
                }
                passOn(rows, errors, count, from, to);
                for (int i = 0; i < count; i++) {
                    store(start + i, rows[i], from);
                }
            }
        });
    }

    private void load(int index, double[] row, int from) {
        for (int j = from; j < row.length; j++) {
            row[j] = weights.at(index, j);
        }
    }

    private void store(int index, double[] row, int from) {
        for (int j = from; j < row.length; j++) {
            weights.values()[index * row.length + j] = (float) row[j];
        }
    }

    /// The columns behind the block take over what its columns lost.
    private void passOn(double[][] rows, double[][] errors, int count, int from, int to) {
        for (int j = from; j < to; j++) {
            for (int i = 0; i < count; i++) {
                if (errors[i][j - from] != 0) {
                    subtract(rows[i], errors[i][j - from], factor[j], to, rows[i].length);
                }
            }
        }
    }

    private static void subtract(double[] row, double error, double[] line, int from, int to) {
        for (int k = from; k < to; k++) {
            row[k] -= error * line[k];
        }
    }

    /// For a share those that go among all rows of the block; for N:M nothing yet, because there each few
    /// columns are chosen when they are reached, from weights that have taken over by then.
    private boolean[][] choose(int from, int to, WeightPattern pattern) {
        int width = to - from;
        boolean[][] goes = new boolean[weights.rows()][width];
        if (!(pattern instanceof WeightPattern.Share(double share))) {
            return goes;
        }
        double[] losses = new double[weights.rows() * width];
        for (int i = 0; i < weights.rows(); i++) {
            for (int j = 0; j < width; j++) {
                losses[i * width + j] = loss(weights.at(i, from + j), from + j);
            }
        }
        // Rounded over all blocks together, so that the whole matrix loses exactly its share.
        long removed = Math.round(share * weights.rows() * to) - Math.round(share * weights.rows() * from);
        int[] order = lowest(losses, (int) removed);
        for (int index : order) {
            goes[index / width][index % width] = true;
        }
        return goes;
    }

    private double loss(double weight, int column) {
        double ratio = weight / factor[column][column];
        return ratio * ratio;
    }

    /// The indices of the `count` lowest; of equal ones the first.
    private static int[] lowest(double[] losses, int count) {
        if (count == 0) {
            return new int[0];
        }
        double[] sorted = losses.clone();
        Arrays.sort(sorted);
        double threshold = sorted[count - 1];
        int[] below = IntStream.range(0, losses.length)
                .filter(i -> losses[i] < threshold)
                .toArray();
        IntStream ties = IntStream.range(0, losses.length)
                .filter(i -> losses[i] == threshold)
                .limit(count - below.length);
        return IntStream.concat(Arrays.stream(below), ties).toArray();
    }

    private void pruneRow(double[] row, double[] errors, int from, int to, boolean[] goes, WeightPattern pattern) {
        Arrays.fill(errors, 0);
        for (int j = from; j < to; j++) {
            if (pattern instanceof WeightPattern.KeptOf kept && j % kept.of() == 0) {
                chooseConsecutive(row, j, kept, from, goes);
            }
            if (goes[j - from]) {
                errors[j - from] = row[j] / factor[j][j];
                subtract(row, errors[j - from], factor[j], j + 1, to);
                row[j] = 0;
            }
        }
    }

    private void chooseConsecutive(double[] row, int at, WeightPattern.KeptOf kept, int from, boolean[] goes) {
        int count = Math.min(kept.of(), weights.columns() - at);
        double[] losses = new double[count];
        for (int i = 0; i < count; i++) {
            losses[i] = loss(row[at + i], at + i);
        }
        for (int i : lowest(losses, kept.removedOf(count))) {
            goes[at + i - from] = true;
        }
    }
}
