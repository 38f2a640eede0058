package dev.trimtab.compress.calibration;

/// The activations of a checkpoint over a calibration text. Compression pulls what its methods need; whoever
/// can run a model, or has a file of statistics, answers.
public interface CalibrationSource {
    /// The input of the matrix with the canonical name `tensor`.
    ///
    /// @throws dev.trimtab.error.BadConfiguration when this source does not know it, naming both
    Inputs inputs(String tensor);

    /// For each column of the input of `tensor` the share of tokens in which it was at most `epsilon` times the
    /// vector's root mean square (APoZ, Hu et al. 2016, with a threshold because SiLU is never 0).
    float[] nearZero(String tensor, float epsilon);

    /// Block influence `1 - E[cos(in, out)]` of the residual stream over layer `layer` (ShortGPT, Men et al.
    /// 2024), and of its two halves alone.
    Influence influence(int layer);

    /// @param attention of the layer's attention alone, `feedForward` of its feed-forward block alone
    record Influence(double layer, double attention, double feedForward) {}

    /// Names text, tokens and checkpoint: equal for two sources exactly when they say the same.
    String digest();
}
