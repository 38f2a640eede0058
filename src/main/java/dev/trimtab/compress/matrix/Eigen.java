package dev.trimtab.compress.matrix;

import dev.trimtab.error.Internal;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/// The eigenvalues of a symmetric matrix, largest first, with their eigenvectors: `H = sum_k values[k] v_k
/// v_k^T`. For small problems, computed on the caller's thread in doubles: `O(n^3)`.
///
/// @param vectors `[n, n]`, row k is `v_k`, orthonormal
@SuppressWarnings("ArrayRecordComponent")
record Eigen(double[] values, Matrix vectors) {
    /// Decomposes `symmetric`, of which the mean of both halves is taken.
    ///
    /// @throws Internal when the iteration does not converge, as on a matrix that is not finite
    static Eigen of(Matrix symmetric) {
        int n = symmetric.rows();
        assert n == symmetric.columns() : symmetric.shape();
        DMatrixRMaj h = new DMatrixRMaj(n, n);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                h.data[i * n + j] = ((double) symmetric.at(i, j) + symmetric.at(j, i)) / 2;
            }
        }
        EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(n, true, true);
        if (!eigen.decompose(h)) {
            throw new Internal("eigenvalues of a symmetric matrix of " + n + " rows: no convergence");
        }
        return sorted(eigen, n);
    }

    private static Eigen sorted(EigenDecomposition_F64<DMatrixRMaj> eigen, int n) {
        int[] order = IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparingDouble(
                        (Integer k) -> -eigen.getEigenvalue(k).getReal()))
                .mapToInt(k -> k)
                .toArray();
        double[] values = new double[n];
        Matrix vectors = new Matrix(n, n);
        for (int k = 0; k < n; k++) {
            values[k] = eigen.getEigenvalue(order[k]).getReal();
            double[] vector = eigen.getEigenVector(order[k]).data;
            for (int i = 0; i < n; i++) {
                vectors.values()[k * n + i] = (float) vector[i];
            }
        }
        return new Eigen(values, vectors);
    }
}
