package dev.trimtab.compress.compensate;

import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadConfiguration;

/// `lstsq-bias`: corrects every output of a compressed matrix Q by a factor and an offset,
/// `y_i = gamma_i q_i x + beta_i`, chosen by least squares to be near `w_i x`: distillation of one layer in
/// closed form. The factor folds into the row, the offset into the bias, so the corrected matrix costs no time.
///
/// With the inputs' mean mu and variance v, taken as independent, minimizing `E (w_i x - y_i)^2` gives
///
///     gamma_i = sum_j v_j w_ij q_ij / sum_j v_j q_ij^2      1 where nothing varies
///     beta_i  = sum_j (w_ij - gamma_i q_ij) mu_j
///
/// The offset is the bias correction of Nagel et al. 2019 (Data-free quantization, section 4.2).
///
/// @param factors gamma, one a row
/// @param bias beta, one a row
@SuppressWarnings("ArrayRecordComponent")
public record RowCorrection(float[] factors, float[] bias) {
    /// @param original W, `[rows, columns]`
    /// @param compressed Q, of the same shape
    /// @throws BadConfiguration where the statistics are not of as many columns
    public static RowCorrection of(Matrix original, Matrix compressed, InputStatistics inputs) {
        assert original.shape().equals(compressed.shape()) : original.shape() + " " + compressed.shape();
        if (inputs.columns() != original.columns()) {
            throw new BadConfiguration("calibration: statistics of " + original.columns()
                    + " input columns expected, found " + inputs.columns());
        }
        float[] factors = new float[original.rows()];
        float[] bias = new float[original.rows()];
        for (int row = 0; row < original.rows(); row++) {
            double factor = factor(original, compressed, inputs, row);
            factors[row] = (float) factor;
            for (int i = 0; i < original.columns(); i++) {
                bias[row] += (float) ((original.at(row, i) - factor * compressed.at(row, i)) * inputs.mean()[i]);
            }
        }
        return new RowCorrection(factors, bias);
    }

    private static double factor(Matrix original, Matrix compressed, InputStatistics inputs, int row) {
        double shared = 0;
        double own = 0;
        for (int i = 0; i < original.columns(); i++) {
            double weighted = (double) inputs.variance(i) * compressed.at(row, i);
            shared += weighted * original.at(row, i);
            own += weighted * compressed.at(row, i);
        }
        return own > 0 ? shared / own : 1;
    }

    /// Q with every row times its factor.
    public Matrix scaled(Matrix compressed) {
        Matrix scaled = compressed.copy();
        for (int i = 0; i < scaled.values().length; i++) {
            scaled.values()[i] *= factors[i / scaled.columns()];
        }
        return scaled;
    }
}
