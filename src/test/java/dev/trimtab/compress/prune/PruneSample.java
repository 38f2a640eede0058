package dev.trimtab.compress.prune;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Matrix;
import java.util.Random;

/// Random weights, and random inputs that are correlated and not centred, with their moments.
final class PruneSample {
    private final float[][] inputs;
    private final int columns;

    /// Each input is a mix of a quarter as many sources, some noise, and a mean.
    PruneSample(int tokens, int columns, long seed) {
        Random random = new Random(seed);
        this.columns = columns;
        this.inputs = new float[tokens][columns];
        int sources = Math.max(1, columns / 4);
        double[][] mix = new double[columns][sources];
        double[] mean = new double[columns];
        for (int j = 0; j < columns; j++) {
            mean[j] = random.nextGaussian();
            for (int s = 0; s < sources; s++) {
                mix[j][s] = random.nextGaussian();
            }
        }
        for (float[] x : inputs) {
            double[] source = random.doubles(sources, -1, 1).toArray();
            for (int j = 0; j < columns; j++) {
                double value = mean[j] + 0.2 * random.nextGaussian();
                for (int s = 0; s < sources; s++) {
                    value += mix[j][s] * source[s];
                }
                x[j] = (float) value;
            }
        }
    }

    static Matrix matrix(int rows, int columns, long seed) {
        Random random = new Random(seed);
        Matrix matrix = new Matrix(rows, columns);
        for (int i = 0; i < matrix.values().length; i++) {
            matrix.values()[i] = (float) random.nextGaussian();
        }
        return matrix;
    }

    float[][] inputs() {
        return inputs;
    }

    Inputs moments() {
        float[] mean = new float[columns];
        float[] square = new float[columns];
        float[] magnitude = new float[columns];
        float[] covariance = new float[columns * columns];
        for (float[] x : inputs) {
            for (int i = 0; i < columns; i++) {
                mean[i] += x[i] / inputs.length;
                square[i] += x[i] * x[i] / inputs.length;
                magnitude[i] += Math.abs(x[i]) / inputs.length;
                for (int j = 0; j < columns; j++) {
                    covariance[i * columns + j] += x[i] * x[j] / inputs.length;
                }
            }
        }
        return new Inputs() {
            @Override
            public InputStatistics statistics() {
                return new InputStatistics(inputs.length, mean, square, magnitude);
            }

            @Override
            public Covariance covariance() {
                return new Covariance(columns, covariance);
            }
        };
    }

    /// `sum norm(W x - W' x)^2` over the inputs.
    double error(Matrix before, Matrix after) {
        return error(before, after, all(columns), new float[before.rows()]);
    }

    /// `sum norm(W x - W' x_k - b)^2` over the inputs.
    double error(Matrix before, Matrix after, int[] kept, float[] bias) {
        double error = 0;
        for (float[] x : inputs) {
            for (int row = 0; row < before.rows(); row++) {
                double difference = -bias[row];
                for (int j = 0; j < columns; j++) {
                    difference += before.at(row, j) * x[j];
                }
                for (int k = 0; k < kept.length; k++) {
                    difference -= after.at(row, k) * x[kept[k]];
                }
                error += difference * difference;
            }
        }
        return error;
    }

    private static int[] all(int columns) {
        int[] all = new int[columns];
        java.util.Arrays.setAll(all, j -> j);
        return all;
    }
}
