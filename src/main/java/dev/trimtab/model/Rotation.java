package dev.trimtab.model;

import dev.trimtab.kernel.RopeTable;

/// Which angles rotary embedding turns by. With D the elements turned, `f_i = theta^(-2i/D)` for pair i:
///
/// | scaling | frequency of pair i |
/// |---|---|
/// | `NONE` | `f_i / factors_i` |
/// | `LINEAR` | `f_i / factor / factors_i` |
/// | `YARN` | `f_i (r_i + (1 - r_i) / factor) / factors_i`, r falling from 1 to 0 over the pairs that turn from
/// `betaFast` to `betaSlow` times within the original context |
///
/// YaRN also multiplies cosines and sines by `1 + 0.1 ln factor` (Peng et al. 2023, sections 3.2 and 3.4; the
/// ramp's rounded ends as in ggml's `ggml_rope_yarn_corr_dims`). Llama 3 and LongRoPE give factors, one a
/// pair, and LongRoPE a magnitude.
///
/// @param dimension D
/// @param originalContext tokens that the model was trained on before it was scaled
/// @param magnitude multiplies cosines and sines
public record Rotation(
        int dimension,
        double theta,
        Scaling scaling,
        double factor,
        int originalContext,
        double magnitude,
        double betaFast,
        double betaSlow) {
    /// How frequencies are lowered so that longer contexts look like trained ones.
    public enum Scaling {
        NONE,
        LINEAR,
        YARN
    }

    static Rotation plain(int dimension, double theta) {
        return new Rotation(dimension, theta, Scaling.NONE, 1, 1, 1, 32, 1);
    }

    /// The table; `factors` divides the frequency of each pair.
    RopeTable table(float[] factors) {
        double[] frequencies = new double[dimension / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / dimension) * share(i) / factors[i];
        }
        boolean yarn = scaling == Scaling.YARN;
        return new RopeTable(frequencies, yarn ? magnitude * (1 + 0.1 * Math.log(factor)) : magnitude);
    }

    private double share(int pair) {
        return switch (scaling) {
            case NONE -> 1;
            case LINEAR -> 1 / factor;
            case YARN -> {
                double kept = kept(pair);
                yield kept + (1 - kept) / factor;
            }
        };
    }

    /// r of YaRN.
    private double kept(int pair) {
        double low = Math.max(0, Math.floor(pairThatTurns(betaFast)));
        double high = Math.min(dimension - 1.0, Math.ceil(pairThatTurns(betaSlow)));
        return 1 - Math.clamp((pair - low) / Math.max(0.001, high - low), 0.0, 1.0);
    }

    /// The pair, not whole, that turns `times` times within the original context.
    private double pairThatTurns(double times) {
        return dimension * Math.log(originalContext / (times * 2 * Math.PI)) / (2 * Math.log(theta));
    }
}
