package dev.trimtab.compress.matrix;

import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;
import java.util.Random;
import java.util.function.UnaryOperator;

/// The dominant eigenvectors of `W C W^T` for `W [m, n]` and a symmetric, positive semidefinite
/// `C [n, n]`: for `C = I` W's left singular vectors. A randomized range finder (Halko, Martinsson and Tropp
/// 2011, algorithms 4.4 and 5.3):
///
///     T = Omega                              random, [rank + 8, n]
///     five times (the first and 4 power iterations):
///         Q = orth(T C W^T)                  [rank + 8, m]
///         T = Q W                            [rank + 8, n], orth but for the last
///     H = T C T^T = V^T diag(values) V       the small eigenproblem
///     directions = V Q, coordinates = V T    the first `rank` rows
///
/// Everything lies in rows, long side last, so that products run at speed. Where rank + 8 reaches W's smaller
/// extent, the range is taken whole and the result is exact but for rounding.
///
/// @param directions `U^T`, `[rank, m]`, orthonormal rows
/// @param coordinates `U^T W`, `[rank, n]`
/// @param values eigenvalues, descending, at least 0, or NaN where products leave the floats' range
@SuppressWarnings("ArrayRecordComponent")
public record Subspace(Matrix directions, Matrix coordinates, double[] values) {
    /// Directions found beyond those asked for: Halko et al. advise 5 or 10; 8 keeps vectors whole.
    private static final int OVERSAMPLING = 8;

    /// Halko et al. advise 1 or 2; the errors of quantization are nearly noise, whose singular values hardly
    /// fall. Of 1024 x 1024 normal numbers, the hardest case, 32 directions then have 94 % of the energy of
    /// the best 32, with two iterations 89 % (for 2048 x 8192 in 0.3 s and 0.2 s on two cores).
    private static final int POWER_ITERATIONS = 4;

    /// The first `rank` eigenvectors, or all of W's smaller extent where that is less.
    ///
    /// @param timesC `T -> T C`, which may return its argument but not change it
    /// @param seed of Omega
    public static Subspace dominant(Matrix w, UnaryOperator<Matrix> timesC, int rank, long seed, ComputePool pool) {
        int smaller = Math.min(w.rows(), w.columns());
        int kept = Math.min(rank, smaller);
        int size = Math.min(rank + OVERSAMPLING, smaller);
        Matrix basis = size < smaller ? sample(w, timesC, size, seed, pool) : range(w, pool);
        return project(w, timesC, basis, kept, pool);
    }

    private static Matrix sample(Matrix w, UnaryOperator<Matrix> timesC, int size, long seed, ComputePool pool) {
        Matrix t = gaussian(size, w.columns(), seed);
        for (int i = 0; ; i++) {
            Matrix q = Products.timesTransposed(timesC.apply(t), w, pool);
            if (!isFinite(q)) {
                return q;
            }
            Orthonormal.rows(q, pool);
            if (i == POWER_ITERATIONS) {
                return q;
            }
            t = Products.times(q, w, pool);
            Orthonormal.rows(t, pool);
        }
    }

    /// All of it: the identity, or where W is tall the span of its columns.
    private static Matrix range(Matrix w, ComputePool pool) {
        if (w.rows() <= w.columns()) {
            Matrix identity = new Matrix(w.rows(), w.rows());
            for (int i = 0; i < w.rows(); i++) {
                identity.values()[i * w.rows() + i] = 1;
            }
            return identity;
        }
        Matrix columns = new Matrix(w.columns(), w.rows());
        for (int row = 0; row < w.rows(); row++) {
            for (int column = 0; column < w.columns(); column++) {
                columns.values()[column * w.rows() + row] = w.at(row, column);
            }
        }
        if (isFinite(columns)) {
            Orthonormal.rows(columns, pool);
        }
        return columns;
    }

    private static Subspace project(Matrix w, UnaryOperator<Matrix> timesC, Matrix basis, int kept, ComputePool pool) {
        Matrix t = Products.times(basis, w, pool);
        Matrix h = Products.timesTransposed(timesC.apply(t), t, pool);
        if (!isFinite(h)) {
            double[] unknown = new double[kept];
            Arrays.fill(unknown, Double.NaN);
            return new Subspace(new Matrix(kept, w.rows()), new Matrix(kept, w.columns()), unknown);
        }
        Eigen eigen = Eigen.of(h);
        int size = h.rows();
        Matrix v = new Matrix(kept, size, Arrays.copyOf(eigen.vectors().values(), kept * size));
        double[] values = Arrays.stream(eigen.values())
                .limit(kept)
                .map(value -> Math.max(0, value))
                .toArray();
        return new Subspace(Products.times(v, basis, pool), Products.times(v, t, pool), values);
    }

    private static Matrix gaussian(int rows, int columns, long seed) {
        var random = new Random(seed);
        Matrix sample = new Matrix(rows, columns);
        for (int i = 0; i < sample.values().length; i++) {
            sample.values()[i] = (float) random.nextGaussian();
        }
        return sample;
    }

    private static boolean isFinite(Matrix matrix) {
        float check = 0;
        for (float value : matrix.values()) {
            check += value * 0;
        }
        return check == 0;
    }
}
