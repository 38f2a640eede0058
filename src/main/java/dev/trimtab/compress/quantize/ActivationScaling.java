package dev.trimtab.compress.quantize;

import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadConfiguration;
import java.util.List;

/// AWQ: columns that meet large activations are scaled up before they are rounded, and their input down, so that
/// their share of the error shrinks.
///
///     s_j = E[|x_j|]^alpha / sqrt(max_j E[|x_j|]^alpha min_j E[|x_j|]^alpha),   alpha = 0, 0.05, .., 0.95
///
/// The alpha whose `sum_j E[x_j^2] sum_i (Q(W diag(s)) diag(s)^-1 - W)_ij^2` is least is taken: with 0, no
/// scaling, among them, it is never worse than none by that measure. Then scales of groups are searched as for
/// `importance`, with `E[x_j^2] / s_j^2`, which takes the place of the paper's search for a clipping.
///
/// Source: J. Lin et al., "AWQ: Activation-aware Weight Quantization for On-Device LLM Compression and
/// Acceleration", 2024, section 3.2. We differ in measuring on the inputs' diagonal, which needs statistics only.
///
/// Matrices that read one input (q, k, v; gate, up) must share one s: search it over all of them.
public final class ActivationScaling {
    private static final int ALPHAS = 20;

    /// Rows that errors are measured on: an estimate from so many is within a few percent.
    private static final int SAMPLED_ROWS = 256;

    /// A column whose input is smaller than this share of the mean counts as if it were so large: else it would
    /// set everyone's scale.
    private static final float SMALLEST_SHARE = 1e-4f;

    private ActivationScaling() {}

    /// The scale of the columns of all of `matrices`, which read one input.
    ///
    /// @throws BadConfiguration where they are not equally wide
    public static float[] search(List<Matrix> matrices, QuantizeScheme.Codes scheme, InputStatistics statistics) {
        float[] best = scale(statistics, 0);
        double least = Double.POSITIVE_INFINITY;
        for (int step = 0; step < ALPHAS; step++) {
            float[] scale = scale(statistics, (double) step / ALPHAS);
            double error = 0;
            for (Matrix matrix : matrices) {
                if (matrix.columns() != scale.length) {
                    throw new BadConfiguration(
                            "matrices of one input: " + scale.length + " columns expected, found " + matrix.columns());
                }
                error += error(matrix, scheme, statistics.meanSquare(), scale);
            }
            if (error < least) {
                least = error;
                best = scale;
            }
        }
        return best;
    }

    /// Quantizes `job`'s matrix with its columns scaled by `scale`.
    public static Quantized quantize(QuantizeJob job, QuantizeScheme.Codes scheme, float[] scale) {
        Matrix scaled = job.matrix().copy();
        float[] importance = job.statistics().meanSquare().clone();
        for (int i = 0; i < scaled.values().length; i++) {
            scaled.values()[i] *= scale[i % scale.length];
        }
        for (int i = 0; i < scale.length; i++) {
            importance[i] /= scale[i] * scale[i];
        }
        QuantizeJob on = job.with(scaled);
        GridTable levels = GridTable.of(on, scheme, GridTable.weighted(importance));
        return new Quantized(levels.form(scaled, RowWork.nearest(on, levels)), scale, "");
    }

    static float[] scale(InputStatistics statistics, double alpha) {
        float[] magnitudes = statistics.meanMagnitude();
        double sum = 0;
        for (float magnitude : magnitudes) {
            sum += magnitude;
        }
        double floor = Math.max(SMALLEST_SHARE * sum / magnitudes.length, Float.MIN_NORMAL);
        double least = Double.POSITIVE_INFINITY;
        double greatest = 0;
        double[] powers = new double[magnitudes.length];
        for (int i = 0; i < powers.length; i++) {
            powers[i] = Math.pow(Math.max(floor, magnitudes[i]), alpha);
            least = Math.min(least, powers[i]);
            greatest = Math.max(greatest, powers[i]);
        }
        float[] scale = new float[powers.length];
        for (int i = 0; i < scale.length; i++) {
            scale[i] = (float) (powers[i] / Math.sqrt(least * greatest));
        }
        return scale;
    }

    private static double error(Matrix matrix, QuantizeScheme.Codes scheme, float[] importance, float[] scale) {
        int step = Math.ceilDiv(matrix.rows(), SAMPLED_ROWS);
        int group = scheme.groupColumns(matrix.columns());
        float[] row = new float[matrix.columns()];
        double error = 0;
        for (int r = 0; r < matrix.rows(); r += step) {
            for (int i = 0; i < row.length; i++) {
                row[i] = matrix.at(r, i) * scale[i];
            }
            for (int from = 0; from < row.length; from += group) {
                int count = Math.min(group, row.length - from);
                var grid = scheme.kind().extremes(row, from, count);
                for (int i = from; i < from + count; i++) {
                    double difference = (grid.value(grid.code(row[i])) - row[i]) / scale[i];
                    error += importance[i] * difference * difference;
                }
            }
        }
        return error;
    }
}
