package dev.trimtab.compress.matrix;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;

/// Seeded matrices and inputs, and what a library says of them in doubles.
public final class Samples {
    private Samples() {}

    /// Standard normal elements.
    public static Matrix normal(int rows, int columns, long seed) {
        var random = new Random(seed);
        Matrix matrix = new Matrix(rows, columns);
        for (int i = 0; i < matrix.values().length; i++) {
            matrix.values()[i] = (float) random.nextGaussian();
        }
        return matrix;
    }

    /// A product of two normal matrices, with a spectrum that falls if `falling` is below 1.
    public static Matrix ofRank(int rows, int columns, int rank, double falling, long seed) {
        Matrix left = normal(rows, rank, seed);
        Matrix right = normal(rank, columns, seed + 1);
        for (int i = 0; i < right.values().length; i++) {
            right.values()[i] *= (float) Math.pow(falling, Math.floorDiv(i, columns));
        }
        return fromLibrary(times(left, right));
    }

    /// Inputs with a few strong common directions and columns of very different sizes: `tokens` of them,
    /// `[tokens, columns]`, each with the mean 0.3.
    public static Matrix correlated(int tokens, int columns, long seed) {
        Matrix common = ofRank(tokens, columns, 4, 0.7, seed);
        Matrix own = normal(tokens, columns, seed + 7);
        for (int i = 0; i < own.values().length; i++) {
            float size = 0.1f + (i % columns) % 7;
            own.values()[i] = 0.3f + size * (common.values()[i] + 0.3f * own.values()[i]);
        }
        return own;
    }

    /// What a calibration over `x`, `[tokens, columns]`, would say.
    public static Inputs inputs(Matrix x) {
        return new Inputs() {
            @Override
            public InputStatistics statistics() {
                return Samples.statistics(x);
            }

            @Override
            public Covariance covariance() {
                DMatrixRMaj c = new DMatrixRMaj(x.columns(), x.columns());
                CommonOps_DDRM.multTransA(1.0 / x.rows(), toLibrary(x), toLibrary(x), c);
                return new Covariance(x.columns(), fromLibrary(c).values());
            }
        };
    }

    /// Inputs that nobody may ask for.
    public static Inputs none() {
        return new Inputs() {
            @Override
            public InputStatistics statistics() {
                throw new AssertionError("statistics are not needed");
            }

            @Override
            public Covariance covariance() {
                throw new AssertionError("covariance is not needed");
            }
        };
    }

    private static InputStatistics statistics(Matrix x) {
        float[] mean = new float[x.columns()];
        float[] square = new float[x.columns()];
        float[] magnitude = new float[x.columns()];
        for (int i = 0; i < x.values().length; i++) {
            float value = x.values()[i] / x.rows();
            mean[i % x.columns()] += value;
            square[i % x.columns()] += value * x.values()[i];
            magnitude[i % x.columns()] += Math.abs(value);
        }
        return new InputStatistics(x.rows(), mean, square, magnitude);
    }

    /// `E[|D x|^2]` over the rows x of `inputs`.
    public static double outputError(Matrix d, Matrix inputs) {
        DMatrixRMaj y = new DMatrixRMaj(inputs.rows(), d.rows());
        CommonOps_DDRM.multTransB(toLibrary(inputs), toLibrary(d), y);
        return squares(y) / inputs.rows();
    }

    /// Squared Frobenius norm.
    public static double squares(Matrix matrix) {
        return squares(toLibrary(matrix));
    }

    private static double squares(DMatrixRMaj matrix) {
        double sum = 0;
        for (double value : matrix.data) {
            sum += value * value;
        }
        return sum;
    }

    /// Squared singular values, descending.
    public static double[] energies(DMatrixRMaj matrix) {
        var svd = DecompositionFactory_DDRM.svd(matrix.numRows, matrix.numCols, false, false, true);
        svd.decompose(matrix.copy());
        return java.util.Arrays.stream(svd.getSingularValues())
                .map(value -> -value * value)
                .sorted()
                .map(value -> -value)
                .toArray();
    }

    /// L of `C = L L^T`.
    public static Matrix root(Covariance covariance) {
        var cholesky = DecompositionFactory_DDRM.chol(covariance.size(), true);
        Matrix c = new Matrix(covariance.size(), covariance.size(), covariance.values());
        if (!cholesky.decompose(toLibrary(c))) {
            throw new AssertionError("positive definite inputs expected");
        }
        return fromLibrary(cholesky.getT(null));
    }

    public static DMatrixRMaj times(Matrix a, Matrix b) {
        DMatrixRMaj c = new DMatrixRMaj(a.rows(), b.columns());
        CommonOps_DDRM.mult(toLibrary(a), toLibrary(b), c);
        return c;
    }

    public static DMatrixRMaj toLibrary(Matrix matrix) {
        DMatrixRMaj copy = new DMatrixRMaj(matrix.rows(), matrix.columns());
        for (int i = 0; i < copy.data.length; i++) {
            copy.data[i] = matrix.values()[i];
        }
        return copy;
    }

    public static Matrix fromLibrary(DMatrixRMaj matrix) {
        Matrix copy = new Matrix(matrix.numRows, matrix.numCols);
        for (int i = 0; i < copy.values().length; i++) {
            copy.values()[i] = (float) matrix.data[i];
        }
        return copy;
    }
}
