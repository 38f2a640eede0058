package dev.trimtab.compress.quantize;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import java.util.function.DoubleConsumer;

/// One matrix to quantize, and what a method may use.
///
/// @param name of the tensor, for messages
/// @param inputs asked only for what the method [Rounding#needs]
/// @param pool does the work, in runs of some milliseconds, so that what is served on it goes on
/// @param progress is told the share that is done, `0..1`, now and then
public record QuantizeJob(
        String name, Matrix matrix, Inputs inputs, Gptq.Options gptq, ComputePool pool, DoubleConsumer progress) {
    /// @throws dev.trimtab.error.BadCheckpoint where a weight is not a finite number
    public QuantizeJob {
        matrix.requireFinite(name);
    }

    /// With default options, reporting to nobody.
    public QuantizeJob(String name, Matrix matrix, Inputs inputs, ComputePool pool) {
        this(name, matrix, inputs, Gptq.Options.DEFAULT, pool, _ -> {});
    }

    /// For methods that need nothing.
    public static QuantizeJob uncalibrated(String name, Matrix matrix, ComputePool pool) {
        return new QuantizeJob(name, matrix, new Uncalibrated(name), pool);
    }

    QuantizeJob with(Matrix other) {
        return new QuantizeJob(name, other, inputs, gptq, pool, progress);
    }

    /// The inputs' statistics, checked.
    ///
    /// @throws BadConfiguration where they are of another width or no numbers
    InputStatistics statistics() {
        InputStatistics statistics = inputs.statistics();
        requireColumns(statistics.columns());
        requireMoments(statistics.meanSquare());
        requireMoments(statistics.meanMagnitude());
        return statistics;
    }

    /// The inputs' second moments; their width and diagonal are checked.
    Covariance covariance() {
        Covariance covariance = inputs.covariance();
        requireColumns(covariance.size());
        requireMoments(diagonal(covariance));
        return covariance;
    }

    static float[] diagonal(Covariance covariance) {
        float[] diagonal = new float[covariance.size()];
        for (int i = 0; i < diagonal.length; i++) {
            diagonal[i] = covariance.at(i, i);
        }
        return diagonal;
    }

    private void requireColumns(int found) {
        if (found != matrix.columns()) {
            throw new BadConfiguration("statistics of " + name + ": expected " + matrix.columns() + " columns, found "
                    + found + "; they are of another checkpoint");
        }
    }

    private void requireMoments(float[] moments) {
        for (int i = 0; i < moments.length; i++) {
            if (!(moments[i] >= 0 && moments[i] < Float.POSITIVE_INFINITY)) {
                throw new BadConfiguration("statistics of " + name + ": a finite number of at least 0 expected for"
                        + " column " + i + ", found " + moments[i]);
            }
        }
    }

    private record Uncalibrated(String name) implements Inputs {
        @Override
        public InputStatistics statistics() {
            throw missing();
        }

        @Override
        public Covariance covariance() {
            throw missing();
        }

        private BadConfiguration missing() {
            return new BadConfiguration(
                    name + " is to be quantized by a method that needs statistics, and there are" + " none");
        }
    }
}
