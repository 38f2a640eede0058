package dev.trimtab.engine;

import dev.trimtab.kernel.logits.Logits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Chooses the next token from logits in the order [SamplingOptions] documents, without sorting the
/// vocabulary and without allocating: one per engine, with scratch for one row of logits.
///
/// With `d_i = (max - logit_i) / temperature`, token i weighs `w_i = exp(-d_i)`, the most probable one 1.
/// Top-k, top-p and min-p each keep a prefix of the tokens in descending order of weight, ties by lowest id;
/// the sampler only finds where the prefix ends:
///
/// 1. Token t is in stripe `t % stripes`; the largest logit of each stripe costs one pass over vectors
///    ([Logits]). The k-th largest of these is no more than the k-th largest logit, so that top-k needs to look
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
    static final int BAD_LOGITS = Logits.NONE;

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

    /// Whether the last draw was from all tokens or from the candidates.
    private enum Cut {
        NONE,
        CANDIDATES
    }

    private final int vocabSize;
    private final Logits passes = Logits.best();
    private final float[] stripeMax;
    private final double[] tokenWeights;
    private final double[] runWeights;
    private final Candidates candidates;
    private float[] remembered = {};
    private Cut cut = Cut.NONE;

    Sampler(int vocabSize) {
        this.vocabSize = vocabSize;
        this.stripeMax = new float[Math.max(Math.ceilDiv(vocabSize, RUN), Math.min(vocabSize, RUN))];
        this.tokenWeights = new double[vocabSize];
        this.runWeights = new double[Math.ceilDiv(vocabSize, RUN)];
        this.candidates = new Candidates(vocabSize);
    }

    /// A token for `logits[offset .. offset + vocabSize)`, penalties and bias applied, or [#BAD_LOGITS].
    int sample(float[] logits, int offset, SamplingOptions options, long seed, int position) {
        if (options.temperature() == 0) {
            return passes.argmax(logits, offset, vocabSize);
        }
        float max = passes.stripeMaxima(logits, offset, vocabSize, stripeMax);
        if (!Float.isFinite(max)) {
            return BAD_LOGITS;
        }
        double uniform = uniform(seed, position);
        if (!limitsCount(options) && options.topP() == 1 && options.minP() == 0) {
            cut = Cut.NONE;
            return drawFromAll(uniform, weighAll(logits, offset, max, 1.0 / options.temperature()));
        }
        keep(logits, offset, max, options);
        cut = Cut.CANDIDATES;
        return candidates.draw(uniform);
    }

    private boolean limitsCount(SamplingOptions options) {
        return options.topK() > 0 && options.topK() < vocabSize;
    }

    /// The probabilities by which the last call of [#sample], if it was not greedy, chose. For tests.
    double[] probabilities() {
        double[] probabilities = cut == Cut.NONE ? tokenWeights.clone() : new double[vocabSize];
        for (int i = 0; cut == Cut.CANDIDATES && i < candidates.count(); i++) {
            probabilities[candidates.token(i)] = candidates.weight(i);
        }
        double sum = Arrays.stream(probabilities).sum();
        Arrays.setAll(probabilities, token -> probabilities[token] / sum);
        return probabilities;
    }

    // Log probabilities

    /// Keeps a copy of a row that is about to be changed by penalties, for [#logprobs].
    void remember(float[] logits, int offset) {
        if (remembered.length == 0) {
            remembered = new float[vocabSize];
        }
        System.arraycopy(logits, offset, remembered, 0, vocabSize);
    }

    /// The log probability of `token` in the remembered row, and the `top` most probable tokens with theirs:
    /// `logit_i - max - log(sum_j exp(logit_j - max))`, at temperature 1 and nothing cut off.
    TokenEvent.Logprobs logprobs(int token, int top) {
        float max = passes.stripeMaxima(remembered, 0, vocabSize, stripeMax);
        double shift = max + Math.log(weighAll(remembered, 0, max, 1));
        gather(remembered, 0, stripesFloor(Math.max(top, 1)));
        candidates.keepTop(top);
        candidates.sort();
        List<TokenEvent.Logprob> best = new ArrayList<>(candidates.count());
        for (int i = candidates.count() - 1; i >= 0; i--) {
            best.add(new TokenEvent.Logprob(candidates.token(i), (float) (candidates.logit(i) - shift)));
        }
        return new TokenEvent.Logprobs(new TokenEvent.Logprob(token, (float) (remembered[token] - shift)), best);
    }

    // Weights

    /// `exp((logit - max) * sharpness)`: sharpness is the temperature's inverse, as dividing costs more than
    /// the rest.
    static double weight(float logit, float max, double sharpness) {
        return Exponential.exp(((double) logit - max) * sharpness);
    }

    /// Fills in the weight of each token and each run; the weight of all.
    private double weighAll(float[] logits, int offset, float max, double sharpness) {
        double total = 0;
        for (int run = 0; run < runWeights.length; run++) {
            double sum = 0;
            int end = Math.min(vocabSize, (run + 1) * RUN);
            for (int token = run * RUN; token < end; token++) {
                double weight = weight(logits[offset + token], max, sharpness);
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

    /// Makes candidates of the tokens that may be drawn.
    private void keep(float[] logits, int offset, float max, SamplingOptions options) {
        double sharpness = 1.0 / options.temperature();
        float floor = (float) (max - TAIL / sharpness);
        if (limitsCount(options)) {
            gather(logits, offset, Math.max(floor, stripesFloor(options.topK())));
            candidates.keepTop(options.topK());
            candidates.weigh(max, sharpness);
            if (options.topP() < 1) {
                candidates.keepHeaviest(options.topP() * candidates.sum());
            }
        } else if (options.topP() < 1) {
            double target = options.topP() * weighAll(logits, offset, max, sharpness);
            double lightest = 1;
            do {
                lightest *= NUCLEUS_STEP;
                gather(logits, offset, Math.max(floor, floorOf(lightest, max, sharpness)));
                candidates.weigh(max, sharpness);
            } while (candidates.sum() < target && lightest > SMALLEST);
            candidates.keepHeaviest(target);
        } else {
            gather(logits, offset, Math.max(floor, floorOf(options.minP(), max, sharpness)));
            candidates.weigh(max, sharpness);
        }
        if (options.minP() > 0) {
            candidates.keepFrom(options.minP());
        }
    }

    /// A logit that no token of at least `weight` is below; halved because logits are rounded to floats.
    private static float floorOf(double weight, float max, double sharpness) {
        return (float) (max + Math.log(weight / 2) / sharpness);
    }

    /// A logit that at least `k` tokens reach.
    private float stripesFloor(int k) {
        if (k >= stripeMax.length) {
            return Float.NEGATIVE_INFINITY;
        }
        candidates.clear();
        for (int stripe = 0; stripe < stripeMax.length; stripe++) {
            candidates.add(stripeMax[stripe], stripe);
        }
        candidates.keepTop(k);
        return candidates.logit(k - 1);
    }

    /// Makes candidates of the tokens whose logit is `floor` or more.
    private void gather(float[] logits, int offset, float floor) {
        int reaching = 0;
        for (float max : stripeMax) {
            reaching += max >= floor ? 1 : 0;
        }
        candidates.clear();
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
            candidates.add(logits[offset + token], token);
        }
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

    /// `exp(x)` for `x <= 0`, four times as fast as [Math#exp] where whole vocabularies are weighed, and the
    /// same on every machine.
    ///
    /// `x = (n + f) ln 2 / 256` with n whole and `|f| <= 1/2`, so that `exp(x) = 2^(n / 256) exp(r)`, `r = f
    /// ln 2 / 256`: the first factor from a table and an exponent, the second from its series up to `r^3`,
    /// whose error is below `r^4 / 24`. (Table-driven as Tang 1989, ACM TOMS 15(2).) Relative error below
    /// 2e-13.
    static final class Exponential {
        private static final int STEPS = 256;
        private static final double STEPS_PER_UNIT = STEPS / Math.log(2);
        private static final double STEP = Math.log(2) / STEPS;

        /// Adding this rounds to a whole number, which then stands in the lowest bits.
        private static final double ROUNDER = 0x1.8p52;

        /// Below this, `exp(x)` is taken for 0, which it is to any sum with a 1 in it.
        private static final double LOWEST = -700;

        private static final double[] POWERS = new double[STEPS];

        static {
            for (int i = 0; i < STEPS; i++) {
                POWERS[i] = StrictMath.pow(2, (double) i / STEPS);
            }
        }

        private Exponential() {}

        static double exp(double x) {
            if (x < LOWEST) {
                return 0;
            }
            double steps = x * STEPS_PER_UNIT;
            double rounded = steps + ROUNDER;
            int n = (int) Double.doubleToRawLongBits(rounded);
            double r = (steps - (rounded - ROUNDER)) * STEP;
            double series = 1 + r * (1 + r * (0.5 + r * (1.0 / 6)));
            double power = Double.longBitsToDouble((long) (1023 + (n >> 8)) << 52);
            return POWERS[n & (STEPS - 1)] * power * series;
        }
    }
}
