package dev.trimtab.quality.calibration;

import dev.trimtab.kernel.Activations;

/// For each column the number of vectors in which it is at most `epsilon` times the vector's root mean square.
final class NearZeroCounts {
    private final float epsilon;
    private final int[] counts;
    private long tokens;

    NearZeroCounts(int columns, float epsilon) {
        this.epsilon = epsilon;
        this.counts = new int[columns];
    }

    void add(Activations in) {
        for (int t = 0; t < in.tokens(); t++) {
            add(in.values(), t * in.stride());
        }
        tokens += in.tokens();
    }

    private void add(float[] x, int at) {
        double squares = 0;
        for (int j = 0; j < counts.length; j++) {
            squares += (double) x[at + j] * x[at + j];
        }
        double limit = epsilon * Math.sqrt(squares / counts.length);
        for (int j = 0; j < counts.length; j++) {
            counts[j] += Math.abs(x[at + j]) <= limit ? 1 : 0;
        }
    }

    float[] shares() {
        float[] shares = new float[counts.length];
        for (int j = 0; j < shares.length; j++) {
            shares[j] = counts[j] / (float) Math.max(1, tokens);
        }
        return shares;
    }
}
