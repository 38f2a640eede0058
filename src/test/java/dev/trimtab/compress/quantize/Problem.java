package dev.trimtab.compress.quantize;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.TensorForm;
import java.util.Random;

/// A seeded matrix, and inputs for it whose columns go together and differ in size.
@SuppressWarnings("ArrayRecordComponent")
record Problem(Matrix matrix, float[][] vectors) implements Inputs {
    static final int TOKENS = 256;

    static Problem correlated(int rows, int columns, long seed) {
        var random = new Random(seed);
        int factors = Math.max(2, columns / 8);
        float[][] mixing = new float[factors][columns];
        for (float[] factor : mixing) {
            for (int i = 0; i < columns; i++) {
                factor[i] = (float) random.nextGaussian() * (i % 7 == 0 ? 4 : 1);
            }
        }
        float[][] vectors = new float[TOKENS][columns];
        for (float[] vector : vectors) {
            for (float[] factor : mixing) {
                float share = (float) random.nextGaussian();
                for (int i = 0; i < columns; i++) {
                    vector[i] += share * factor[i];
                }
            }
            for (int i = 0; i < columns; i++) {
                vector[i] += 0.3f * (float) random.nextGaussian();
            }
        }
        return new Problem(normal(rows, columns, seed + 1), vectors);
    }

    static Matrix normal(int rows, int columns, long seed) {
        var random = new Random(seed);
        Matrix matrix = new Matrix(rows, columns);
        for (int i = 0; i < matrix.values().length; i++) {
            matrix.values()[i] = (float) random.nextGaussian() / 16;
        }
        return matrix;
    }

    QuantizeJob job(ComputePool pool) {
        return new QuantizeJob("blk.0.attn_q.weight", matrix, this, pool);
    }

    @Override
    public InputStatistics statistics() {
        int columns = matrix.columns();
        float[] mean = new float[columns];
        float[] square = new float[columns];
        float[] magnitude = new float[columns];
        for (float[] vector : vectors) {
            for (int i = 0; i < columns; i++) {
                mean[i] += vector[i] / vectors.length;
                square[i] += vector[i] * vector[i] / vectors.length;
                magnitude[i] += Math.abs(vector[i]) / vectors.length;
            }
        }
        return new InputStatistics(vectors.length, mean, square, magnitude);
    }

    @Override
    public Covariance covariance() {
        int columns = matrix.columns();
        float[] values = new float[columns * columns];
        for (int i = 0; i < columns; i++) {
            for (int j = 0; j < columns; j++) {
                double sum = 0;
                for (float[] vector : vectors) {
                    sum += (double) vector[i] * vector[j];
                }
                values[i * columns + j] = (float) (sum / vectors.length);
            }
        }
        return new Covariance(columns, values);
    }

    /// `sum_t |W x_t - Q x_t|^2 / sum_t |W x_t|^2`
    double outputError(TensorForm form) {
        double[] sums = new double[2];
        float[] row = new float[matrix.columns()];
        for (int r = 0; r < matrix.rows(); r++) {
            form.row(r, row, 0);
            for (float[] vector : vectors) {
                double exact = 0;
                double found = 0;
                for (int i = 0; i < row.length; i++) {
                    exact += (double) matrix.at(r, i) * vector[i];
                    found += (double) row[i] * vector[i];
                }
                sums[0] += (exact - found) * (exact - found);
                sums[1] += exact * exact;
            }
        }
        return sums[0] / sums[1];
    }

    /// `sum_ij h_j |W - Q|^p` over all weights.
    double weightError(TensorForm form, float[] importance, double p) {
        float[] row = new float[matrix.columns()];
        double sum = 0;
        for (int r = 0; r < matrix.rows(); r++) {
            form.row(r, row, 0);
            for (int i = 0; i < row.length; i++) {
                sum += importance[i] * Math.pow(Math.abs(matrix.at(r, i) - row[i]), p);
            }
        }
        return sum;
    }
}
