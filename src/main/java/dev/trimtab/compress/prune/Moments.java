package dev.trimtab.compress.prune;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.matrix.Cholesky;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.ComputePool;

/// What the closed forms of this package need of the second moments of an input.
final class Moments {
    /// Share of the mean diagonal that is added to it, as GPTQ and SparseGPT do: it keeps columns that are
    /// never or always active together from getting huge weights.
    static final double DAMPING = 0.01;

    private Moments() {}

    /// `C_kk + lambda I` factorized, for the columns `kept`; lambda is [#DAMPING] of the mean of its diagonal,
    /// and 1 where that is 0.
    ///
    /// @param mean taken off, `C - m m^T`; all zeros to leave the moments as they are
    /// @throws BadCheckpoint where a moment is not finite
    static Cholesky factorized(Covariance covariance, float[] mean, int[] kept, ComputePool pool) {
        int size = kept.length;
        double[] matrix = new double[Math.multiplyExact(size, size)];
        double trace = 0;
        for (int i = 0; i < size; i++) {
            for (int j = 0; j <= i; j++) {
                matrix[i * size + j] = centred(covariance, mean, kept[i], kept[j]);
            }
            trace += matrix[i * size + i];
        }
        double damping = trace > 0 ? DAMPING * trace / size : 1;
        if (!Double.isFinite(damping)) {
            throw BadCheckpoint.mismatch("a covariance", "finite moments", "a trace of " + trace);
        }
        for (int i = 0; i < size; i++) {
            matrix[i * size + i] += damping;
        }
        return Cholesky.of(size, matrix, pool);
    }

    static double centred(Covariance covariance, float[] mean, int row, int column) {
        return covariance.at(row, column) - (double) mean[row] * mean[column];
    }

    /// The indices below `size` that are not in `kept`, which ascends.
    static int[] others(int[] kept, int size) {
        int[] others = new int[size - kept.length];
        int next = 0;
        int found = 0;
        for (int i = 0; i < size; i++) {
            if (next < kept.length && kept[next] == i) {
                next++;
            } else {
                others[found++] = i;
            }
        }
        return others;
    }
}
