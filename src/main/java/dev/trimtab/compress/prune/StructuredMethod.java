package dev.trimtab.compress.prune;

import dev.trimtab.compress.calibration.Needs;

/// The scores by which KV groups and neurons are kept: of each group g the columns j that it has in the
/// block's last matrix W (`attn_output` or `ffn_down`), `[hiddenSize, columns]`. Higher stays.
///
/// | method | score | needs | source |
/// |---|---|---|---|
/// | `flap` | mean of `var(x_j) norm(W_:,j)^2` | statistics | An et al. 2024, FLAP, equation 5 (WIFV) |
/// | `magnitude` | squares of all weights that go with g | nothing | Han et al. 2015; Molchanov et al. 2017 |
/// | `apoz` | share of tokens in which x_j is not near 0 | activations | Hu et al. 2016, Network Trimming |
/// | `random` | a number of the seed | nothing | the baseline that the others have to beat |
///
/// FLAP scores a head by the mean over its columns; with grouped queries a KV group is removed with all its
/// query heads, and its score is their sum.
public enum StructuredMethod {
    FLAP("flap", Needs.STATISTICS),
    MAGNITUDE("magnitude", Needs.NOTHING),
    /// Needs [dev.trimtab.compress.calibration.CalibrationSource#nearZero] beside.
    APOZ("apoz", Needs.STATISTICS),
    RANDOM("random", Needs.NOTHING);

    private final String label;
    private final Needs needs;

    StructuredMethod(String label, Needs needs) {
        this.label = label;
        this.needs = needs;
    }

    /// As recipes spell it.
    public String label() {
        return label;
    }

    public Needs needs() {
        return needs;
    }
}
