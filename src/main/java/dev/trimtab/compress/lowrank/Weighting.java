package dev.trimtab.compress.lowrank;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.Products;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;

/// By how much an error in a weight matters: the loss of replacing W by W' is `tr((W - W') C (W - W')^T)` for
/// a symmetric, positive semidefinite `C [columns, columns]`. With `C = E[x x^T]` that is the mean squared
/// error of the outputs, `E|(W - W') x|^2`.
///
/// C may be singular: nothing here inverts it.
public sealed interface Weighting {
    /// `T C` for `T [count, columns]`.
    Matrix times(Matrix t, ComputePool pool);

    /// The loss of losing all of `matrix`: `tr(M C M^T)`.
    double energy(Matrix matrix, ComputePool pool);

    /// Every weight alike: the squared Frobenius norm.
    static Weighting none() {
        return new Identity();
    }

    /// `C = diag(E[x^2])`: as if the inputs were independent and without a mean.
    ///
    /// @throws BadConfiguration where the statistics are not for `columns` columns or no finite numbers
    static Weighting meanSquares(InputStatistics statistics, int columns) {
        return Diagonal.of(statistics.meanSquare(), 1, columns);
    }

    /// `C = diag(E[|x|]^(2 alpha))`, ASVD's scaling of column j by `E[|x_j|]^alpha`.
    ///
    /// @throws BadConfiguration where the statistics are not for `columns` columns or no finite numbers
    static Weighting magnitudes(InputStatistics statistics, double alpha, int columns) {
        return Diagonal.of(statistics.meanMagnitude(), 2 * alpha, columns);
    }

    /// C itself.
    ///
    /// @throws BadConfiguration where it is not for `columns` columns or holds no finite numbers
    static Weighting covariance(Covariance covariance, int columns) {
        return SecondMoments.of(covariance, columns);
    }

    /// `C = I`
    record Identity() implements Weighting {
        @Override
        public Matrix times(Matrix t, ComputePool pool) {
            return t;
        }

        @Override
        public double energy(Matrix matrix, ComputePool pool) {
            return inner(matrix, matrix);
        }
    }

    /// `C = diag(weights)`
    @SuppressWarnings("ArrayRecordComponent")
    record Diagonal(float[] weights) implements Weighting {
        private static Diagonal of(float[] numbers, double exponent, int columns) {
            checkColumns(numbers.length, columns);
            float[] weights = new float[columns];
            for (int i = 0; i < columns; i++) {
                weights[i] = (float) Math.pow(numbers[i], exponent);
                if (!(weights[i] >= 0 && weights[i] < Float.POSITIVE_INFINITY)) {
                    throw new BadConfiguration("calibration: finite statistics, at least 0, expected, found "
                            + numbers[i] + " in column " + i);
                }
            }
            return new Diagonal(weights);
        }

        @Override
        public Matrix times(Matrix t, ComputePool pool) {
            Matrix product = t.copy();
            for (int row = 0; row < t.rows(); row++) {
                for (int i = 0; i < weights.length; i++) {
                    product.values()[row * weights.length + i] *= weights[i];
                }
            }
            return product;
        }

        @Override
        public double energy(Matrix matrix, ComputePool pool) {
            double sum = 0;
            for (int row = 0; row < matrix.rows(); row++) {
                for (int i = 0; i < weights.length; i++) {
                    double weight = matrix.at(row, i);
                    sum += weights[i] * weight * weight;
                }
            }
            return sum;
        }
    }

    /// A full C.
    record SecondMoments(Matrix moments) implements Weighting {
        private static SecondMoments of(Covariance covariance, int columns) {
            checkColumns(covariance.size(), columns);
            float check = 0;
            for (float value : covariance.values()) {
                check += value * 0;
            }
            if (check != 0) {
                throw new BadConfiguration("calibration: finite covariances expected, found another");
            }
            return new SecondMoments(new Matrix(columns, columns, covariance.values()));
        }

        @Override
        public Matrix times(Matrix t, ComputePool pool) {
            return Products.times(t, moments, pool);
        }

        @Override
        public double energy(Matrix matrix, ComputePool pool) {
            return inner(matrix, times(matrix, pool));
        }
    }

    private static void checkColumns(int found, int expected) {
        if (found != expected) {
            throw new BadConfiguration(
                    "calibration: statistics of " + expected + " input columns expected, found " + found);
        }
    }

    private static double inner(Matrix a, Matrix b) {
        double sum = 0;
        for (int i = 0; i < a.values().length; i++) {
            sum += (double) a.values()[i] * b.values()[i];
        }
        return sum;
    }
}
