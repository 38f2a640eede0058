package dev.trimtab.compress.matrix;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.ComputePool;

/// The factorization `A = L L^T` of a symmetric positive definite matrix, in doubles: covariances of
/// activations, a few of which are huge, are too badly conditioned for floats. By blocks of [#BLOCK] columns,
/// rows shared out over the compute pool (Golub and Van Loan, Matrix Computations, 4.2.9). `n^3 / 3`
/// multiply-adds; the result does not depend on the number of threads.
public final class Cholesky {
    /// Columns factorized before the rest is updated: the panel of a large matrix stays in the third-level
    /// cache, and the part that is not vectorized stays small.
    private static final int BLOCK = 64;

    /// Right sides solved together on one thread: a line of them is 1 KiB.
    private static final int SIDES = 128;

    /// Columns of L that are taken from a row at a time.
    private static final int STEP = 4;

    private final int size;
    private final double[] lower;
    private final ComputePool pool;

    private Cholesky(int size, double[] lower, ComputePool pool) {
        this.size = size;
        this.lower = lower;
        this.pool = pool;
    }

    /// Factorizes `matrix`, `[size, size]`, row-major, whose lower half is read and overwritten.
    ///
    /// @throws BadCheckpoint when it is not positive definite, as where a number is not finite
    public static Cholesky of(int size, double[] matrix, ComputePool pool) {
        assert matrix.length == Math.multiplyExact(size, size) : matrix.length;
        Cholesky cholesky = new Cholesky(size, matrix, pool);
        for (int from = 0; from < size; from += BLOCK) {
            int to = Math.min(size, from + BLOCK);
            cholesky.factorizeDiagonal(from, to);
            if (to < size) {
                cholesky.factorizeBelow(from, to);
                cholesky.updateRest(from, to);
            }
        }
        return cholesky;
    }

    private void factorizeDiagonal(int from, int to) {
        for (int row = from; row < to; row++) {
            solveRow(row, from, row);
            double rest = lower[row * size + row];
            for (int k = from; k < row; k++) {
                rest -= lower[row * size + k] * lower[row * size + k];
            }
            if (!(rest > 0) || rest == Double.POSITIVE_INFINITY) {
                throw new BadCheckpoint("a covariance: a positive definite matrix expected, found pivot " + rest
                        + " in column " + row + " of " + size);
            }
            lower[row * size + row] = Math.sqrt(rest);
        }
    }

    /// `L[row, c]` for the columns `[from, to)`, whose rows of L are known.
    private void solveRow(int row, int from, int to) {
        for (int c = from; c < to; c++) {
            double rest = lower[row * size + c];
            for (int k = from; k < c; k++) {
                rest -= lower[row * size + k] * lower[c * size + k];
            }
            lower[row * size + c] = rest / lower[c * size + c];
        }
    }

    private void factorizeBelow(int from, int to) {
        pool.run(size - to, STEP, (first, last) -> {
            for (int row = to + first; row < to + last; row++) {
                solveRow(row, from, to);
            }
        });
    }

    /// `A[i, j] -= sum_k L[i, k] L[j, k]` for `to <= j <= i` and the columns k of the block.
    private void updateRest(int from, int to) {
        int rest = size - to;
        double[][] panel = new double[BLOCK][rest];
        for (int j = 0; j < rest; j++) {
            for (int k = from; k < to; k++) {
                panel[k - from][j] = lower[(to + j) * size + k];
            }
        }
        pool.run(rest, STEP, (first, last) -> {
            double[] row = new double[rest];
            double[] factors = new double[BLOCK];
            for (int i = first; i < last; i++) {
                int start = (to + i) * size;
                System.arraycopy(lower, start + from, factors, 0, to - from);
                System.arraycopy(lower, start + to, row, 0, i + 1);
                for (int k = 0; k < BLOCK; k += STEP) {
                    subtract(row, i + 1, factors, panel, k);
                }
                System.arraycopy(row, 0, lower, start + to, i + 1);
            }
        });
    }

    /// `row[j] -= sum_k factors[k] lines[k][j]` for `j < count` and four k from `at`. Arrays from index 0 on, so
    /// that C2 vectorizes it.
    private static void subtract(double[] row, int count, double[] factors, double[][] lines, int at) {
        double[] p0 = lines[at];
        double[] p1 = lines[at + 1];
        double[] p2 = lines[at + 2];
        double[] p3 = lines[at + 3];
        double f0 = -factors[at];
        double f1 = -factors[at + 1];
        double f2 = -factors[at + 2];
        double f3 = -factors[at + 3];
        for (int j = 0; j < count; j++) {
            row[j] = Math.fma(f3, p3[j], Math.fma(f2, p2[j], Math.fma(f1, p1[j], Math.fma(f0, p0[j], row[j]))));
        }
    }

    /// Solves `X A = B` for each row of B, `[count, size]`, which becomes X.
    public void solveRows(double[][] rows) {
        pool.run(Math.ceilDiv(rows.length, SIDES), 1, (from, to) -> {
            for (int chunk = from; chunk < to; chunk++) {
                solve(rows, chunk * SIDES, Math.min(rows.length, (chunk + 1) * SIDES));
            }
        });
    }

    /// Up to [#SIDES] right sides beside each other, so that the inner loop runs over them.
    private void solve(double[][] rows, int first, int last) {
        double[][] sides = new double[size + STEP][SIDES];
        for (int i = 0; i < size; i++) {
            for (int row = first; row < last; row++) {
                sides[i][row - first] = rows[row][i];
            }
        }
        for (int i = 0; i < size; i++) {
            forward(sides, i);
        }
        double[] column = new double[size + STEP];
        for (int i = size - 1; i >= 0; i--) {
            backward(sides, i, column);
        }
        for (int row = first; row < last; row++) {
            for (int i = 0; i < size; i++) {
                rows[row][i] = sides[i][row - first];
            }
        }
    }

    /// `y_i = (b_i - sum_{k < i} L[i, k] y_k) / L[i, i]`
    private void forward(double[][] sides, int i) {
        double[] factors = new double[i + STEP];
        System.arraycopy(lower, i * size, factors, 0, i);
        subtractAll(sides, i, 0, i, factors);
        divide(sides[i], lower[i * size + i]);
    }

    /// `x_i = (y_i - sum_{k > i} L[k, i] x_k) / L[i, i]`
    private void backward(double[][] sides, int i, double[] column) {
        for (int k = i + 1; k < size; k++) {
            column[k] = lower[k * size + i];
        }
        subtractAll(sides, i, i + 1, size, column);
        divide(sides[i], lower[i * size + i]);
    }

    /// `sides[i] -= sum_k factors[k] sides[k]` for `from <= k < to`.
    private static void subtractAll(double[][] sides, int i, int from, int to, double[] factors) {
        int k = from;
        for (; k + STEP <= to; k += STEP) {
            subtract(sides[i], SIDES, factors, sides, k);
        }
        for (; k < to; k++) {
            double factor = factors[k];
            for (int j = 0; j < SIDES; j++) {
                sides[i][j] -= factor * sides[k][j];
            }
        }
    }

    private static void divide(double[] side, double divisor) {
        for (int j = 0; j < side.length; j++) {
            side[j] /= divisor;
        }
    }

    /// L itself, `[size, size]`, row-major; above its diagonal stands what stood there. Not copied.
    public double[] lower() {
        return lower;
    }

    /// `L^-1`, lower triangular with zeros above, `[size][size]`. `n^3 / 6` multiply-adds.
    public double[][] inverseLower() {
        double[][] inverse = new double[size][size];
        for (int i = 0; i < size; i++) {
            inverse[i][i] = 1;
        }
        // Columns of the inverse are independent; a chunk of them is a range of j in each row.
        pool.run(size, SIDES, (from, to) -> {
            double[] row = new double[to - from];
            for (int i = from; i < size; i++) {
                System.arraycopy(inverse[i], from, row, 0, row.length);
                for (int k = from; k < i; k++) {
                    double factor = lower[i * size + k];
                    double[] other = inverse[k];
                    for (int j = 0; j < row.length; j++) {
                        row[j] -= factor * other[from + j];
                    }
                }
                divide(row, lower[i * size + i]);
                System.arraycopy(row, 0, inverse[i], from, row.length);
            }
        });
        return inverse;
    }
}
