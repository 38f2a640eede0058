package dev.trimtab.quality.calibration;

import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;

/// Sums over vectors, one of each kind a column, in double: `sum_t x_tj`, `sum_t x_tj^2`, `sum_t |x_tj|`.
final class ColumnSums {
    /// Columns that a thread takes at a time: enough that its lines of a sum are its own.
    private static final int GRAIN = 64;

    private final double[] sum;
    private final double[] squares;
    private final double[] magnitudes;
    private long tokens;

    ColumnSums(int columns) {
        this.sum = new double[columns];
        this.squares = new double[columns];
        this.magnitudes = new double[columns];
    }

    /// Adds each vector of `in`.
    void add(Activations in, ComputePool pool) {
        float[] x = in.values();
        int count = in.tokens();
        int stride = in.stride();
        pool.run(sum.length, GRAIN, (from, to) -> {
            for (int t = 0; t < count; t++) {
                add(x, t * stride, from, to);
            }
        });
        tokens += count;
    }

    private void add(float[] x, int at, int from, int to) {
        for (int j = from; j < to; j++) {
            double value = x[at + j];
            sum[j] += value;
            squares[j] += value * value;
            magnitudes[j] += Math.abs(value);
        }
    }

    /// The means. `name` stands in the message.
    ///
    /// @throws BadCheckpoint when a vector held a number that is not finite: the weights are at fault
    InputStatistics means(String name) {
        float[] mean = new float[sum.length];
        float[] meanSquare = new float[sum.length];
        float[] meanMagnitude = new float[sum.length];
        double divisor = Math.max(1, tokens);
        for (int j = 0; j < sum.length; j++) {
            if (!Double.isFinite(squares[j])) {
                throw new BadCheckpoint("the input of " + name + ": finite numbers expected, found another in column "
                        + j + " during calibration");
            }
            mean[j] = (float) (sum[j] / divisor);
            meanSquare[j] = (float) (squares[j] / divisor);
            meanMagnitude[j] = (float) (magnitudes[j] / divisor);
        }
        return new InputStatistics(tokens, mean, meanSquare, meanMagnitude);
    }
}
