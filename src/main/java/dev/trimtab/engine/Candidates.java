package dev.trimtab.engine;

import java.util.Arrays;

/// The tokens that the [Sampler] may still choose, each with its logit and weight, in arrays made once.
/// *Best* is the largest logit, then the lowest token.
///
/// The end of a prefix of the best, by count or by weight, is found by quickselect (Hoare 1961, algorithm
/// 65), which adds up weights on its way: O(count) expected where sorting would be O(count log count).
final class Candidates {
    private final long[] keys;
    private final double[] weights;
    private int count;

    Candidates(int capacity) {
        this.keys = new long[capacity];
        this.weights = new double[capacity];
    }

    void clear() {
        count = 0;
    }

    void add(float logit, int token) {
        keys[count++] = key(logit, token);
    }

    int count() {
        return count;
    }

    int token(int index) {
        return tokenOf(keys[index]);
    }

    float logit(int index) {
        return logitOf(keys[index]);
    }

    double weight(int index) {
        return weights[index];
    }

    /// Puts them in order, the best last.
    void sort() {
        Arrays.sort(keys, 0, count);
    }

    /// Gives each its weight `exp((logit - max) * sharpness)`.
    void weigh(float max, double sharpness) {
        for (int i = 0; i < count; i++) {
            weights[i] = Sampler.weight(logitOf(keys[i]), max, sharpness);
        }
    }

    double sum() {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[i];
        }
        return sum;
    }

    /// Keeps the best `k`: a prefix by weight in which each weighs 1. Weights are to be given again.
    void keepTop(int k) {
        if (count > k) {
            for (int i = 0; i < count; i++) {
                weights[i] = 1;
            }
            keepHeaviest(k);
        }
    }

    /// Keeps the best, as few as together weigh `target`; all of them where rounding keeps the sum below it.
    void keepHeaviest(double target) {
        count = prefixWeighing(target);
    }

    /// Moves the best to the front, as few as together weigh `target`, the last of them the lightest, and
    /// returns how many they are.
    private int prefixWeighing(double target) {
        int from = 0;
        int to = count;
        double before = 0;
        while (from < to) {
            int pivot = partition(from, to);
            double above = before;
            for (int i = from; i < pivot; i++) {
                above += weights[i];
            }
            if (above >= target) {
                to = pivot;
            } else if (above + weights[pivot] >= target) {
                return pivot + 1;
            } else {
                before = above + weights[pivot];
                from = pivot + 1;
            }
        }
        return from;
    }

    /// Splits `[from, to)` around one of them: better ones before it, worse ones after; its new
    /// place.
    private int partition(int from, int to) {
        int middle = (from + to) >>> 1;
        swap(medianOf(from, middle, to - 1), to - 1);
        long pivot = keys[to - 1];
        int place = from;
        for (int i = from; i < to - 1; i++) {
            if (keys[i] > pivot) {
                swap(i, place++);
            }
        }
        swap(place, to - 1);
        return place;
    }

    private int medianOf(int a, int b, int c) {
        if (keys[a] < keys[b]) {
            return keys[b] < keys[c] ? b : keys[a] < keys[c] ? c : a;
        }
        return keys[a] < keys[c] ? a : keys[b] < keys[c] ? c : b;
    }

    private void swap(int a, int b) {
        long key = keys[a];
        keys[a] = keys[b];
        keys[b] = key;
        double weight = weights[a];
        weights[a] = weights[b];
        weights[b] = weight;
    }

    /// Keeps those that weigh `minP` or more.
    void keepFrom(double minP) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] >= minP) {
                swap(i, kept++);
            }
        }
        count = kept;
    }

    /// One of them, each with a probability proportional to its weight, as `uniform` in [0, 1) says.
    int draw(double uniform) {
        double rest = uniform * sum();
        for (int i = 0; i < count; i++) {
            rest -= weights[i];
            if (rest < 0) {
                return tokenOf(keys[i]);
            }
        }
        return tokenOf(keys[count - 1]);
    }

    /// One long to compare candidates by: larger for a larger logit, then for a lower token.
    private static long key(float logit, int token) {
        int bits = Float.floatToRawIntBits(logit + 0f); // -0 becomes 0
        long ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
        return ordered << 32 | Integer.toUnsignedLong(~token);
    }

    private static float logitOf(long key) {
        int bits = (int) (key >> 32);
        return Float.intBitsToFloat(bits ^ ((bits >> 31) & Integer.MAX_VALUE));
    }

    private static int tokenOf(long key) {
        return ~(int) key;
    }
}
