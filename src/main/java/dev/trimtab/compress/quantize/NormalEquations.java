package dev.trimtab.compress.quantize;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.matrix.Matrix;
import java.util.Arrays;

/// `(P^T C P) c = P^T C w` for the centroids c of a book, summed over rows. One thread's, many at a time: k is 256
/// at most, too small to share out as [dev.trimtab.compress.matrix.Cholesky] does.
final class NormalEquations {
    private final int k;
    private final double[] left;
    private final double[] right;

    NormalEquations(int k) {
        this.k = k;
        this.left = new double[k * k];
        this.right = new double[k];
    }

    /// Adds row `row` with the centroids `codes`, one byte a weight of the matrix.
    void add(Matrix matrix, int row, byte[] codes, Covariance covariance) {
        int columns = matrix.columns();
        int[] centroid = new int[columns];
        for (int i = 0; i < columns; i++) {
            centroid[i] = Byte.toUnsignedInt(codes[row * columns + i]);
        }
        float[] shares = new float[k];
        for (int i = 0; i < columns; i++) {
            Arrays.fill(shares, 0);
            float product = 0;
            for (int j = 0; j < columns; j++) {
                float c = covariance.values()[i * columns + j];
                shares[centroid[j]] += c;
                product += c * matrix.values()[row * columns + j];
            }
            int at = centroid[i] * k;
            for (int b = 0; b < k; b++) {
                left[at + b] += shares[b];
            }
            right[centroid[i]] += product;
        }
    }

    /// The error of the outputs, less what does not depend on c: `c^T A c - 2 b^T c`.
    double error(double[] c) {
        double error = 0;
        for (int a = 0; a < k; a++) {
            double product = 0;
            for (int b = 0; b < k; b++) {
                product += left[a * k + b] * c[b];
            }
            error += c[a] * (product - 2 * right[a]);
        }
        return error;
    }

    /// The solution, held to `before` by `ridge` of the mean diagonal; `before` where there is none. Cholesky's
    /// method.
    double[] solve(double[] before, double ridge) {
        double trace = 0;
        for (int a = 0; a < k; a++) {
            trace += left[a * k + a];
        }
        double lambda = ridge * trace / k;
        double[] factor = left.clone();
        double[] x = new double[k];
        for (int a = 0; a < k; a++) {
            factor[a * k + a] += lambda;
            x[a] = right[a] + lambda * before[a];
        }
        return factorize(factor) ? substitute(factor, x) : before.clone();
    }

    private boolean factorize(double[] factor) {
        for (int a = 0; a < k; a++) {
            for (int b = 0; b <= a; b++) {
                double sum = factor[a * k + b];
                for (int l = 0; l < b; l++) {
                    sum -= factor[a * k + l] * factor[b * k + l];
                }
                if (a == b && !(sum > 0)) {
                    return false;
                }
                factor[a * k + b] = a == b ? Math.sqrt(sum) : sum / factor[b * k + b];
            }
        }
        return true;
    }

    private double[] substitute(double[] factor, double[] x) {
        for (int a = 0; a < k; a++) {
            for (int l = 0; l < a; l++) {
                x[a] -= factor[a * k + l] * x[l];
            }
            x[a] /= factor[a * k + a];
        }
        for (int a = k - 1; a >= 0; a--) {
            for (int l = a + 1; l < k; l++) {
                x[a] -= factor[l * k + a] * x[l];
            }
            x[a] /= factor[a * k + a];
        }
        return x;
    }
}
