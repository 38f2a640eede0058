package dev.trimtab.engine;

import java.util.Arrays;

/// Chooses the next token from logits in the order [SamplingOptions] documents, without sorting the
/// vocabulary and without allocating: one per engine, with scratch for one row of logits.
///
/// With `d_i = (max - logit_i) / temperature`, token i weighs `w_i = exp(-d_i)`, the most probable one 1.
/// Top-k, top-p and min-p each keep a prefix of the tokens in descending order of weight, ties by lowest id;
/// the sampler only finds where the prefix ends:
///
/// 1. Token t is in stripe `t % stripes`; the largest logit of each stripe costs one pass that compiles to
///    vectors. The k-th largest of these is no more than the k-th largest logit, so that top-k needs to look
///    only at the few tokens that reach it, in the few stripes that do.
/// 2. Top-p needs the weight of all tokens, but looks at the heaviest only: those of a 64th of the largest
///    weight, then of a 64th of that, until they weigh enough together.
/// 3. Among the candidates left, the end of a prefix by count or by weight is found by quickselect (Hoare
///    1961, algorithm 65), which for top-p adds up weights on its way.
///
/// The draw is a function of seed and position alone, so that a sequence draws the same in any batch and
/// again after it was preempted.
final class Sampler {
    /// What [#sample] returns for a row with a NaN, or without a finite maximum.
    static final int BAD_LOGITS = -1;

    /// Tokens in a stripe or run: few, so that a stripe that reaches a threshold holds little else; enough
    /// that looking at stripes costs little beside looking at tokens.
    private static final int RUN = 64;

    /// Tokens further from the largest logit weigh less than 1e-17 each and are never drawn: a draw has 53
    /// bits.
    private static final double TAIL = 40;

    /// By how much top-p lowers its sights at a time.
    private static final double NUCLEUS_STEP = 1.0 / 64;

    /// `exp(-TAIL)`: there is nothing below.
    private static final double SMALLEST = Math.exp(-TAIL) / 64;

    /// What `count` says when no token was cut off.
    private static final int ALL = -1;

    private final int vocabSize;
    private final float[] stripeMax;
    private final double[] tokenWeights;
    private final double[] runWeights;
    private final long[] keys;
    private final double[] weights;
    private int count;

    Sampler(int vocabSize) {
        this.vocabSize = vocabSize;
        this.stripeMax = new float[Math.max(Math.ceilDiv(vocabSize, RUN), Math.min(vocabSize, RUN))];
        this.tokenWeights = new double[vocabSize];
        this.runWeights = new double[Math.ceilDiv(vocabSize, RUN)];
        this.keys = new long[vocabSize];
        this.weights = new double[vocabSize];
    }

    /// A token for `logits[offset .. offset + vocabSize)`, penalties and bias applied, or [#BAD_LOGITS].
    int sample(float[] logits, int offset, SamplingOptions options, long seed, int position) {
        float max = scanStripes(logits, offset);
        if (!Float.isFinite(max)) {
            return BAD_LOGITS;
        }
        if (options.temperature() == 0) {
            return firstOf(logits, offset, max);
        }
        double uniform = uniform(seed, position);
        if (!limitsCount(options) && options.topP() == 1 && options.minP() == 0) {
            count = ALL;
            return drawFromAll(uniform, weighAll(logits, offset, max, options.temperature()));
        }
        keep(logits, offset, max, options);
        return draw(uniform);
    }

    private boolean limitsCount(SamplingOptions options) {
        return options.topK() > 0 && options.topK() < vocabSize;
    }

    /// The probabilities by which the last call of [#sample], if it was not greedy, chose. For tests.
    double[] probabilities() {
        double[] probabilities = count == ALL ? tokenWeights.clone() : new double[vocabSize];
        for (int i = 0; i < count; i++) {
            probabilities[tokenOf(keys[i])] = weights[i];
        }
        double sum = Arrays.stream(probabilities).sum();
        Arrays.setAll(probabilities, token -> probabilities[token] / sum);
        return probabilities;
    }

    /// The maximum of each stripe, and of all: NaN where any logit is NaN.
    private float scanStripes(float[] logits, int offset) {
        int stripes = stripeMax.length;
        System.arraycopy(logits, offset, stripeMax, 0, stripes);
        for (int token = stripes; token < vocabSize; token += stripes) {
            raise(stripeMax, logits, offset + token, Math.min(stripes, vocabSize - token));
        }
        float max = Float.NEGATIVE_INFINITY;
        for (int stripe = 0; stripe < stripes; stripe++) {
            max = Math.max(max, stripeMax[stripe]);
        }
        return max;
    }

    /// `max[i] = max(max[i], values[from + i])`: no reduction, so that C2 makes vectors of it.
    private static void raise(float[] max, float[] values, int from, int count) {
        for (int i = 0; i < count; i++) {
            max[i] = Math.max(max[i], values[from + i]);
        }
    }

    private int firstOf(float[] logits, int offset, float max) {
        int first = vocabSize;
        for (int stripe = 0; stripe < stripeMax.length; stripe++) {
            if (stripeMax[stripe] == max) {
                int token = stripe;
                while (logits[offset + token] != max) {
                    token += stripeMax.length;
                }
                first = Math.min(first, token);
            }
        }
        return first;
    }

    // Weights

    private static double weight(float logit, float max, double temperature) {
        return Exponential.exp(((double) logit - max) / temperature);
    }

    /// Fills in the weight of each token and each run; the weight of all.
    private double weighAll(float[] logits, int offset, float max, double temperature) {
        double total = 0;
        for (int run = 0; run < runWeights.length; run++) {
            double sum = 0;
            int end = Math.min(vocabSize, (run + 1) * RUN);
            for (int token = run * RUN; token < end; token++) {
                double weight = weight(logits[offset + token], max, temperature);
                tokenWeights[token] = weight;
                sum += weight;
            }
            runWeights[run] = sum;
            total += sum;
        }
        return total;
    }

    private int drawFromAll(double uniform, double total) {
        double rest = uniform * total;
        int run = 0;
        while (run < runWeights.length - 1 && rest >= runWeights[run]) {
            rest -= runWeights[run++];
        }
        int end = Math.min(vocabSize, (run + 1) * RUN);
        int last = 0;
        for (int token = run * RUN; token < end; token++) {
            last = tokenWeights[token] > 0 ? token : last;
            rest -= tokenWeights[token];
            if (rest < 0) {
                return token;
            }
        }
        return last; // by rounding only
    }

    // Candidates

    /// Leaves in `keys` and `weights` the tokens that may be drawn.
    private void keep(float[] logits, int offset, float max, SamplingOptions options) {
        double temperature = options.temperature();
        float floor = (float) (max - TAIL * temperature);
        if (limitsCount(options)) {
            gather(logits, offset, Math.max(floor, stripesFloor(options.topK())));
            keepTop(options.topK());
            weigh(max, temperature);
            if (options.topP() < 1) {
                count = prefixWeighing(options.topP() * sum());
            }
        } else if (options.topP() < 1) {
            double target = options.topP() * weighAll(logits, offset, max, temperature);
            count = 0;
            for (double lightest = NUCLEUS_STEP; sum() < target && lightest > SMALLEST; lightest *= NUCLEUS_STEP) {
                gather(logits, offset, Math.max(floor, floorOf(lightest, max, temperature)));
                weigh(max, temperature);
            }
            count = prefixWeighing(target);
        } else {
            gather(logits, offset, Math.max(floor, floorOf(options.minP(), max, temperature)));
            weigh(max, temperature);
        }
        if (options.minP() > 0) {
            keepFrom(options.minP());
        }
    }

    /// A logit that no token of at least `weight` is below; halved because logits are rounded to floats.
    private static float floorOf(double weight, float max, double temperature) {
        return (float) (max + temperature * Math.log(weight / 2));
    }

    /// A logit that at least `k` tokens reach.
    private float stripesFloor(int k) {
        if (k > stripeMax.length) {
            return Float.NEGATIVE_INFINITY;
        }
        count = stripeMax.length;
        for (int stripe = 0; stripe < count; stripe++) {
            keys[stripe] = key(stripeMax[stripe], stripe);
        }
        keepTop(k);
        return logitOf(keys[k - 1]);
    }

    /// Makes candidates of the tokens whose logit is `floor` or more.
    private void gather(float[] logits, int offset, float floor) {
        int reaching = 0;
        for (float max : stripeMax) {
            reaching += max >= floor ? 1 : 0;
        }
        count = 0;
        if (reaching > stripeMax.length / 4) { // reading in order then costs less than leaving stripes out
            for (int token = 0; token < vocabSize; token++) {
                gather(logits, offset, floor, token);
            }
            return;
        }
        for (int stripe = 0; stripe < stripeMax.length; stripe++) {
            for (int token = stripe; stripeMax[stripe] >= floor && token < vocabSize; token += stripeMax.length) {
                gather(logits, offset, floor, token);
            }
        }
    }

    private void gather(float[] logits, int offset, float floor, int token) {
        if (logits[offset + token] >= floor) {
            keys[count++] = key(logits[offset + token], token);
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
