package dev.trimtab.compress.quantize;

import java.util.Arrays;

/// k-means of weighted numbers: the k centroids that make `sum h (x - c)^2` small, each x with its nearest.
///
/// In one dimension clusters are runs of the sorted numbers, and the error of a run follows from prefix sums of h,
/// h x and h x^2:
///
///     cost(i, j) = sum h x^2 - (sum h x)^2 / sum h
///
/// so the best k runs are a dynamic program, `D_c(j) = min_i D_(c-1)(i) + cost(i, j)`, whose best i never falls as j
/// grows, which halves the choices at every split: `k n log n` (X. Wu, "Optimal Quantization by Matrix Searching",
/// 1991, has the monotony). Up to [#EXACT_MAX] numbers the result is the optimum. More are put into so many runs
/// of equal count first, and the cuts found between runs are moved between numbers as Lloyd does (S. Lloyd, 1957):
/// each cut halfway between its centroids, until none moves.
///
/// One thread's; it keeps its tables.
final class LineClusters {
    /// Cuts that the dynamic program chooses among.
    static final int EXACT_MAX = 1024;

    private static final int LLOYD_ROUNDS = 20;

    /// A number that does not matter counts as so little of one that does, so that every run has a mean.
    private static final double LEAST_IMPORTANCE = 1e-6;

    private final int k;
    private final double[][] errors = new double[2][EXACT_MAX + 1];
    private final short[][] best;
    private final int[] places = new int[EXACT_MAX + 1];
    private final int[] cuts;
    private float[] sorted = {};
    private double[] h = {};
    private double[] hx = {};
    private double[] hxx = {};

    LineClusters(int k) {
        this.k = k;
        this.best = new short[k][EXACT_MAX + 1];
        this.cuts = new int[k + 1];
    }

    /// Writes k centroids, ascending, to `centroids[at ..]`; with fewer different numbers some are equal.
    void find(float[] numbers, float[] importance, float[] centroids, int at) {
        sort(numbers, importance);
        int bins = Math.min(EXACT_MAX, numbers.length);
        for (int bin = 0; bin <= bins; bin++) {
            places[bin] = (int) ((long) bin * numbers.length / bins);
        }
        choose(bins);
        if (bins < numbers.length) {
            moveCuts();
        }
        float last = sorted[0];
        for (int c = 0; c < k; c++) {
            last = cuts[c] < cuts[c + 1] ? (float) mean(cuts[c], cuts[c + 1]) : last;
            centroids[at + c] = last;
        }
    }

    /// The keys sort as the floats do, and carry where each came from.
    private void sort(float[] numbers, float[] importance) {
        int n = numbers.length;
        if (sorted.length != n) {
            sorted = new float[n];
            h = new double[n + 1];
            hx = new double[n + 1];
            hxx = new double[n + 1];
        }
        long[] keys = new long[n];
        double total = 0;
        for (int i = 0; i < n; i++) {
            int bits = Float.floatToRawIntBits(numbers[i] + 0f);
            int ascending = bits ^ (bits >> 31 & 0x7fff_ffff);
            keys[i] = (long) ascending << 32 | i;
            total += importance[i];
        }
        Arrays.sort(keys);
        double least = total > 0 ? LEAST_IMPORTANCE * total / n : 1;
        for (int i = 0; i < n; i++) {
            int from = (int) keys[i];
            double x = numbers[from];
            double weight = Math.max(least, importance[from]);
            sorted[i] = numbers[from];
            h[i + 1] = h[i] + weight;
            hx[i + 1] = hx[i] + weight * x;
            hxx[i + 1] = hxx[i] + weight * x * x;
        }
    }

    private double mean(int from, int to) {
        return (hx[to] - hx[from]) / (h[to] - h[from]);
    }

    private double cost(int from, int to) {
        if (from == to) {
            return 0;
        }
        double sum = hx[to] - hx[from];
        return Math.max(0, hxx[to] - hxx[from] - sum * sum / (h[to] - h[from]));
    }

    private void choose(int bins) {
        for (int j = 0; j <= bins; j++) {
            errors[0][j] = cost(0, places[j]);
            best[0][j] = 0;
        }
        for (int c = 1; c < k; c++) {
            split(c, 0, bins, 0, bins);
        }
        int end = bins;
        for (int c = k - 1; c >= 0; c--) {
            cuts[c + 1] = places[end];
            end = best[c][end];
        }
        cuts[0] = 0;
    }

    /// Cluster c's best beginnings for the ends `[from, to]`, known to lie in `[low, high]`.
    private void split(int c, int from, int to, int low, int high) {
        if (from > to) {
            return;
        }
        int middle = (from + to) >>> 1;
        double[] before = errors[(c - 1) % 2];
        double least = Double.POSITIVE_INFINITY;
        int chosen = low;
        for (int i = low; i <= Math.min(high, middle); i++) {
            double error = before[i] + cost(places[i], places[middle]);
            if (error < least) {
                least = error;
                chosen = i;
            }
        }
        errors[c % 2][middle] = least;
        best[c][middle] = (short) chosen;
        split(c, from, middle - 1, low, chosen);
        split(c, middle + 1, to, chosen, high);
    }

    private void moveCuts() {
        boolean moved = true;
        for (int round = 0; round < LLOYD_ROUNDS && moved; round++) {
            moved = false;
            for (int c = 1; c < k; c++) {
                if (cuts[c - 1] < cuts[c] && cuts[c] < cuts[c + 1]) {
                    double halfway = (mean(cuts[c - 1], cuts[c]) + mean(cuts[c], cuts[c + 1])) / 2;
                    int cut = Math.clamp(firstAbove(halfway), cuts[c - 1] + 1, cuts[c + 1] - 1);
                    moved |= cut != cuts[c];
                    cuts[c] = cut;
                }
            }
        }
    }

    /// The first of the sorted numbers beyond `limit`.
    private int firstAbove(double limit) {
        int low = 0;
        int high = sorted.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sorted[middle] > limit) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }
}
