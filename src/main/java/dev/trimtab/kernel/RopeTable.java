package dev.trimtab.kernel;

/// Cosines and sines of rotary position embedding: for position p and pair i of n/2,
/// `angle = p * theta^(-2i/n) / factor_i` (RoFormer, Su et al. 2021, eq. 34; factors as Llama 3 and YaRN give them).
public final class RopeTable {
    private final int rotaryDim;
    private final double[] frequencies;

    /// `rotaryDim` elements of each head turn; `factors` divides the frequency of each pair (length rotaryDim / 2).
    public RopeTable(int rotaryDim, double theta, float[] factors) {
        assert rotaryDim % 2 == 0 && factors.length == rotaryDim / 2;
        this.rotaryDim = rotaryDim;
        this.frequencies = new double[rotaryDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / rotaryDim) / factors[i];
        }
    }

    public int rotaryDim() {
        return rotaryDim;
    }

    double frequency(int pair) {
        return frequencies[pair];
    }
}
