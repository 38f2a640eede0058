package dev.trimtab.kernel;

import java.util.Arrays;

/// Cosines and sines of rotary position embedding: for position p and pair i of n/2,
/// `angle = p * theta^(-2i/n) / factor_i` (RoFormer, Su et al. 2021, eq. 34; factors as Llama 3 and YaRN
/// give them).
public final class RopeTable {
    /// Positions computed at a time.
    private static final int PAGE = 64;

    private final int rotaryDim;
    private final double[] frequencies;
    private volatile float[][][] pages = {};

    /// `rotaryDim` elements of each head turn; `factors` divides the frequency of each pair (length
    /// rotaryDim / 2).
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

    /// Cosines of the pairs at `position`, then their sines: `[2, rotaryDim / 2]`, not to be written. Kept
    /// once computed, a page of positions at a time.
    float[] turns(int position) {
        float[][][] known = pages;
        int page = position / PAGE;
        return page < known.length ? known[page][position % PAGE] : grow(page)[page][position % PAGE];
    }

    private synchronized float[][][] grow(int page) {
        int first = pages.length;
        if (first <= page) {
            float[][][] grown = Arrays.copyOf(pages, page + 1);
            for (int i = first; i <= page; i++) {
                grown[i] = page(i * PAGE);
            }
            pages = grown;
        }
        return pages;
    }

    private float[][] page(int firstPosition) {
        int pairs = frequencies.length;
        float[][] turns = new float[PAGE][2 * pairs];
        for (int i = 0; i < PAGE; i++) {
            for (int pair = 0; pair < pairs; pair++) {
                double angle = (firstPosition + i) * frequency(pair);
                turns[i][pair] = (float) Math.cos(angle);
                turns[i][pairs + pair] = (float) Math.sin(angle);
            }
        }
        return turns;
    }
}
