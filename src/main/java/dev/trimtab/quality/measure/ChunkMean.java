package dev.trimtab.quality.measure;

import java.util.Arrays;

/// A mean over tokens with an error that knows of chunks: tokens of one chunk resemble each other, so what is
/// independent are chunks. With sums s_c over the n_c tokens of chunk c and `m = sum s_c / N`,
///
///     SE^2 = C / (C - 1) * sum_c (s_c - m n_c)^2 / N^2
///
/// (the ratio estimator of cluster sampling; Cochran, Sampling Techniques, 1977, section 6.3). Of one chunk alone
/// the tokens count as independent, for nothing better is known.
final class ChunkMean {
    private double[] sums = new double[16];
    private long[] counts = new long[16];
    private int chunks;
    private double squares;

    void add(int chunk, double value) {
        if (chunk >= sums.length) {
            sums = Arrays.copyOf(sums, 2 * chunk);
            counts = Arrays.copyOf(counts, 2 * chunk);
        }
        sums[chunk] += value;
        counts[chunk]++;
        squares += value * value;
        chunks = Math.max(chunks, chunk + 1);
    }

    Estimate estimate() {
        double sum = Arrays.stream(sums).sum();
        long count = Arrays.stream(counts).sum();
        double mean = sum / count;
        if (chunks < 2) {
            return new Estimate(mean, Math.sqrt(Math.max(0, squares / count - mean * mean) / count));
        }
        double deviations = 0;
        for (int c = 0; c < chunks; c++) {
            double deviation = sums[c] - mean * counts[c];
            deviations += deviation * deviation;
        }
        return new Estimate(mean, Math.sqrt(deviations * chunks / (chunks - 1)) / count);
    }
}
