package dev.trimtab.quality.calibration;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;

/// `sum_t x_t x_t^T`, the upper triangle, in float: batch after batch is a rank-k update in which each thread
/// owns rows. A sum of T terms is off by `T 2^-26` of the largest partial sum at most, four tokens being summed
/// before they join: 2e-4 for 8192 tokens in the worst case, and in practice the root of that.
final class CovarianceSum {
    /// `16384^2` floats are a gigabyte; what has wider rows needs a method that asks for less.
    static final int COLUMNS_MAX = 1 << 14;

    /// Rows that a thread takes at a time; rows are unequal in length, so there must be many pieces.
    private static final int GRAIN = 8;

    private final int columns;
    private final float[] values;
    private long tokens;

    /// @throws Unsupported beyond [#COLUMNS_MAX], naming `name`
    CovarianceSum(String name, int columns) {
        if (columns > COLUMNS_MAX) {
            throw new Unsupported("the covariance of the input of " + name + ": at most " + COLUMNS_MAX
                    + " columns expected, found " + columns);
        }
        this.columns = columns;
        this.values = new float[columns * columns];
    }

    void add(Activations in, ComputePool pool) {
        float[] x = in.values();
        int stride = in.stride();
        int count = in.tokens();
        int fours = count & -4;
        pool.run(columns, GRAIN, (from, to) -> {
            for (int i = from; i < to; i++) {
                for (int t = 0; t < fours; t += 4) {
                    addFour(x, t * stride, stride, i);
                }
                for (int t = fours; t < count; t++) {
                    addOne(x, t * stride, i);
                }
            }
        });
        tokens += count;
    }

    /// Adds to row i of the triangle what four vectors, `stride` apart, give.
    private void addFour(float[] x, int first, int stride, int i) {
        float[] sum = values;
        int n = columns;
        int at = i * n;
        int second = first + stride;
        int third = second + stride;
        int fourth = third + stride;
        float a = x[first + i];
        float b = x[second + i];
        float c = x[third + i];
        float d = x[fourth + i];
        for (int j = i; j < n; j++) {
            sum[at + j] += (a * x[first + j] + b * x[second + j]) + (c * x[third + j] + d * x[fourth + j]);
        }
    }

    private void addOne(float[] x, int first, int i) {
        float[] sum = values;
        int n = columns;
        int at = i * n;
        float a = x[first + i];
        for (int j = i; j < n; j++) {
            sum[at + j] += a * x[first + j];
        }
    }

    /// The mean, both triangles; the sum's own array, so nothing can be added afterwards.
    Covariance mean() {
        float scale = 1f / Math.max(1, tokens);
        for (int i = 0; i < columns; i++) {
            for (int j = i; j < columns; j++) {
                float value = values[i * columns + j] * scale;
                values[i * columns + j] = value;
                values[j * columns + i] = value;
            }
        }
        return new Covariance(columns, values);
    }
}
