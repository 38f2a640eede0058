package dev.trimtab.engine;

/// Chooses the next token from logits in the order [SamplingOptions] documents, without sorting the
/// vocabulary and without allocating: one per engine, with scratch for one row of logits.
///
/// With `d_i = (max - logit_i) / temperature`, token i weighs `w_i = exp(-d_i)`, the most probable one 1.
/// Top-k, top-p and min-p each keep a prefix of the tokens in descending order of weight, ties by lowest id;
/// the sampler only finds where the prefix ends:
///
/// 1. The largest logit of every run of [#RUN] tokens. The k-th largest of these is no more than the k-th
///    largest logit, so that top-k needs to look only at the few tokens that reach it.
/// 2. Tokens lighter than `(1 - p) * sum w / vocabSize` weigh less than `(1 - p) * sum w` together, so that
///    top-p can do without them.
/// 3. Among the candidates left, the end of a prefix by count or by weight is found by quickselect (Hoare
///    1961, algorithm 65), which for top-p adds up weights on its way.
///
/// The draw is a function of seed and position alone, so that a sequence draws the same in any batch and
/// again after it was preempted.
final class Sampler {
    /// What [#sample] returns for a row with a NaN, or without a finite maximum.
    static final int BAD_LOGITS = -1;

    /// Tokens in a run: short enough that a run that reaches the threshold holds few others, long enough that
    /// the maxima of a vocabulary of 256k fit the first-level cache.
    private static final int RUN = 64;

    /// Tokens further from the largest logit weigh less than 1e-17 each and are never drawn: a draw has 53
    /// bits.
    private static final double TAIL = 40;

    private final int vocabSize;
    private final float[] runMax;
    private final long[] keys;
    private final double[] weights;
    private int count;

    Sampler(int vocabSize) {
        this.vocabSize = vocabSize;
        this.runMax = new float[Math.ceilDiv(vocabSize, RUN)];
        this.keys = new long[vocabSize];
        this.weights = new double[vocabSize];
    }

    /// A token for `logits[offset .. offset + vocabSize)`, penalties and bias applied, or [#BAD_LOGITS].
    int sample(float[] logits, int offset, SamplingOptions options, long seed, int position) {
        float max = scanRuns(logits, offset);
        if (!Float.isFinite(max)) {
            return BAD_LOGITS;
        }
        if (options.temperature() == 0) {
            return firstOf(logits, offset, max);
        }
        keep(logits, offset, max, options);
        return draw(uniform(seed, position));
    }

    /// The probabilities by which the last call of [#sample], if it was not greedy, chose. For tests.
    double[] probabilities() {
        double[] probabilities = new double[vocabSize];
        double sum = sum();
        for (int i = 0; i < count; i++) {
            probabilities[tokenOf(keys[i])] = weights[i] / sum;
        }
        return probabilities;
    }

    /// The maximum of each run, and of all: NaN where any logit is NaN.
    private float scanRuns(float[] logits, int offset) {
        float max = Float.NEGATIVE_INFINITY;
        for (int run = 0; run < runMax.length; run++) {
            int end = offset + Math.min(vocabSize, (run + 1) * RUN);
            float best = Float.NEGATIVE_INFINITY;
            for (int i = offset + run * RUN; i < end; i++) {
                best = Math.max(best, logits[i]);
            }
            runMax[run] = best;
            max = Math.max(max, best);
        }
        return max;
    }

    private int firstOf(float[] logits, int offset, float max) {
        int run = 0;
        while (runMax[run] != max) {
            run++;
        }
        int token = run * RUN;
        while (logits[offset + token] != max) {
            token++;
        }
        return token;
    }

    /// Leaves in `keys` and `weights` the tokens that may be drawn.
    private void keep(float[] logits, int offset, float max, SamplingOptions options) {
        double temperature = options.temperature();
        float floor = (float) (max - TAIL * temperature);
        boolean limited = options.topK() > 0 && options.topK() < vocabSize;
        if (limited) {
            gather(logits, offset, Math.max(floor, topRunsFloor(options.topK())));
            keepTop(options.topK());
            weigh(max, temperature);
            if (options.topP() < 1) {
                count = prefixWeighing(options.topP() * sum());
            }
        } else if (options.topP() < 1) {
            double total = total(logits, offset, max, temperature);
            double lightest = (1 - (double) options.topP()) * total / vocabSize;
            gather(logits, offset, Math.max(floor, floorOf(lightest, max, temperature)));
            weigh(max, temperature);
            count = prefixWeighing(options.topP() * total);
        } else {
            gather(logits, offset, Math.max(floor, floorOf(options.minP(), max, temperature)));
            weigh(max, temperature);
        }
        if (options.minP() > 0) {
            keepFrom(options.minP());
        }
    }

    private static double weight(float logit, float max, double temperature) {
        return Math.exp(((double) logit - max) / temperature);
    }

    /// A logit that no token of at least `weight` is below; halved because logits are rounded to floats.
    private static float floorOf(double weight, float max, double temperature) {
        return (float) (max + temperature * Math.log(weight / 2));
    }

    /// A logit that at least `k` tokens reach.
    private float topRunsFloor(int k) {
        if (k > runMax.length) {
            return Float.NEGATIVE_INFINITY;
        }
        count = runMax.length;
        for (int run = 0; run < count; run++) {
            keys[run] = key(runMax[run], run);
        }
        keepTop(k);
        return logitOf(keys[k - 1]);
    }

    private double total(float[] logits, int offset, float max, double temperature) {
        double total = 0;
        for (int run = 0; run < runMax.length; run++) {
            if (max - runMax[run] > TAIL * temperature) {
                continue;
            }
            int end = offset + Math.min(vocabSize, (run + 1) * RUN);
            for (int i = offset + run * RUN; i < end; i++) {
                total += weight(logits[i], max, temperature);
            }
        }
        return total;
    }

    /// Makes candidates of the tokens whose logit is `floor` or more.
    private void gather(float[] logits, int offset, float floor) {
        count = 0;
        for (int run = 0; run < runMax.length; run++) {
            if (runMax[run] < floor) {
                continue;
            }
            int end = Math.min(vocabSize, (run + 1) * RUN);
            for (int token = run * RUN; token < end; token++) {
                if (logits[offset + token] >= floor) {
                    keys[count++] = key(logits[offset + token], token);
                }
            }
        }
    }

    private void weigh(float max, double temperature) {
        for (int i = 0; i < count; i++) {
            weights[i] = weight(logitOf(keys[i]), max, temperature);
        }
    }

    private double sum() {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[i];
        }
        return sum;
    }

    /// Keeps the best `k` candidates: a prefix by weight in which each weighs 1.
    private void keepTop(int k) {
        if (count > k) {
            for (int i = 0; i < count; i++) {
                weights[i] = 1;
            }
            count = prefixWeighing(k);
        }
    }

    /// Moves the best candidates to the front, as few as together weigh `target`, the last of them the
    /// lightest, and returns how many they are; all of them where rounding keeps the sum below `target`.
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

    /// Splits candidates `[from, to)` around one of them: better ones before it, worse ones after; its new
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

    private void keepFrom(double minP) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] >= minP) {
                swap(i, kept++);
            }
        }
        count = kept;
    }

    private int draw(double uniform) {
        double rest = uniform * sum();
        for (int i = 0; i < count; i++) {
            rest -= weights[i];
            if (rest < 0) {
                return tokenOf(keys[i]);
            }
        }
        return tokenOf(keys[count - 1]);
    }

    /// A number in [0, 1) of 53 bits: two rounds of SplitMix64's finalizer (Steele, Lea, Flood 2014, figure
    /// 16) over seed and position, so that neighbouring seeds and positions are unrelated.
    static double uniform(long seed, int position) {
        return (mix(mix(seed) + 0x9E3779B97F4A7C15L * (position + 1L)) >>> 11) * 0x1p-53;
    }

    private static long mix(long bits) {
        bits = (bits ^ bits >>> 30) * 0xBF58476D1CE4E5B9L;
        bits = (bits ^ bits >>> 27) * 0x94D049BB133111EBL;
        return bits ^ bits >>> 31;
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
