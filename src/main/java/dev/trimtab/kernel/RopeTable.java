package dev.trimtab.kernel;

import java.util.Arrays;

/// Cosines and sines of rotary position embedding: for position p and pair i, `angle = p * frequency_i`
/// (RoFormer, Su et al. 2021, eq. 34), both times a magnitude that YaRN and LongRoPE change.
public final class RopeTable {
    /// Positions computed at a time.
    private static final int PAGE = 64;

    private final double[] frequencies;
    private final double magnitude;
    private volatile float[][][] pages = {};

    /// `2 * frequencies.length` elements of each head turn, by these angles a position.
    public RopeTable(double[] frequencies, double magnitude) {
        this.frequencies = frequencies.clone();
        this.magnitude = magnitude;
    }

    public int rotaryDim() {
        return 2 * frequencies.length;
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
                double angle = (firstPosition + i) * frequencies[pair];
                turns[i][pair] = (float) (magnitude * Math.cos(angle));
                turns[i][pairs + pair] = (float) (magnitude * Math.sin(angle));
            }
        }
        return turns;
    }
}
