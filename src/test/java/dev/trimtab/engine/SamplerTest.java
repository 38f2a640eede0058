package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 63, 64, 65, 200, 1000, 4097})
    void drawsWithTheProbabilitiesOfTheReference(int vocabSize) {
        Random random = new Random(vocabSize);
        Sampler sampler = new Sampler(vocabSize);
        for (int round = 0; round < 150; round++) {
            float[] logits = logits(random, vocabSize, 1);
            SamplingOptions options = options(random, vocabSize);

            int token = sampler.sample(logits, 0, options, round, 0);

            double[] expected = ReferenceSampler.probabilities(logits, options);
            assertThat(expected[token]).as(options.toString()).isPositive();
            assertThat(sampler.probabilities()).as(options.toString()).containsExactly(expected, within(1e-9));
        }
    }

    @Test
    void drawsAsOftenAsTheProbabilitiesSay() {
        int draws = 200_000;
        int vocabSize = 60;
        float[] logits = logits(new Random(5), vocabSize, 0.3f);
        SamplingOptions options = new SamplingOptions(1.1f, 40, 0.95f, 0.01f, 1, 0, 0, Map.of(), OptionalLong.of(9));
        double[] expected = ReferenceSampler.probabilities(logits, options);
        Sampler sampler = new Sampler(vocabSize);

        int[] byPosition = new int[vocabSize];
        int[] bySeed = new int[vocabSize];
        for (int i = 0; i < draws; i++) {
            byPosition[sampler.sample(logits, 0, options, 9, i)]++;
            bySeed[sampler.sample(logits, 0, options, i, 3)]++;
        }

        assertChiSquare(byPosition, expected, draws);
        assertChiSquare(bySeed, expected, draws);
    }

    /// At most four standard deviations above the mean of the chi-square distribution.
    private static void assertChiSquare(int[] counts, double[] probabilities, int draws) {
        double chiSquare = 0;
        int degrees = -1;
        for (int id = 0; id < counts.length; id++) {
            double expected = probabilities[id] * draws;
            if (expected == 0) {
                assertThat(counts[id]).isZero();
            } else {
                chiSquare += (counts[id] - expected) * (counts[id] - expected) / expected;
                degrees++;
            }
        }
        assertThat(degrees).isGreaterThan(5);
        assertThat(chiSquare).isLessThan(degrees + 4 * Math.sqrt(2.0 * degrees));
    }

    @Test
    void takesTheLowestOfTheLargestWhenGreedy() {
        float[] logits = new float[300];
        Arrays.fill(logits, -3f);
        logits[130] = 2.5f;
        logits[131] = 2.5f;
        logits[299] = 2.5f;

        int token = new Sampler(300).sample(logits, 0, SamplingOptions.GREEDY, 0, 0);

        assertThat(token).isEqualTo(130);
    }

    @Test
    void keepsExactlyKOfEqualLogits() {
        Sampler sampler = new Sampler(1000);
        SamplingOptions options = new SamplingOptions(1, 7, 1, 0, 1, 0, 0, Map.of(), OptionalLong.of(1));

        sampler.sample(new float[1000], 0, options, 1, 0);

        double[] expected = new double[1000];
        Arrays.fill(expected, 0, 7, 1.0 / 7);
        assertThat(sampler.probabilities()).containsExactly(expected);
    }

    @Test
    void readsItsRowOnly() {
        float[] rows = logits(new Random(8), 300, 1);
        float[] row = Arrays.copyOfRange(rows, 100, 200);
        SamplingOptions options = new SamplingOptions(1, 0, 0.9f, 0, 1, 0, 0, Map.of(), OptionalLong.of(1));

        int token = new Sampler(100).sample(rows, 100, options, 4, 5);

        assertThat(token).isEqualTo(new Sampler(100).sample(row, 0, options, 4, 5));
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
    void refusesARowWithANumberThatIsNone(float bad) {
        for (int place : new int[] {0, 63, 64, 129}) {
            float[] logits = new float[130];
            logits[place] = bad;

            int token = new Sampler(130).sample(logits, 0, SamplingOptions.GREEDY, 0, 0);

            assertThat(token).isEqualTo(Sampler.BAD_LOGITS);
        }
    }

    @Test
    void refusesARowWithNothingToChoose() {
        float[] logits = new float[130];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);

        int token = new Sampler(130).sample(logits, 0, SamplingOptions.GREEDY, 0, 0);

        assertThat(token).isEqualTo(Sampler.BAD_LOGITS);
    }

    @Test
    void survivesExtremeTemperatures() {
        float[] logits = {-1e30f, 3, 2, 3.4e38f, -0f};
        SamplingOptions cold = new SamplingOptions(1e-38f, 0, 0.5f, 0, 1, 0, 0, Map.of(), OptionalLong.of(1));
        SamplingOptions hot = new SamplingOptions(2, 3, 1, 0.9f, 1, 0, 0, Map.of(), OptionalLong.of(1));

        assertThat(new Sampler(5).sample(logits, 0, cold, 0, 0)).isEqualTo(3);
        assertThat(new Sampler(5).sample(logits, 0, hot, 0, 0)).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 64, 65, 130})
    void keepsTheTopKForEachK(int vocabSize) {
        float[] logits = logits(new Random(6), vocabSize, 1);
        Sampler sampler = new Sampler(vocabSize);
        for (int k = 1; k <= vocabSize; k++) {
            var options = new SamplingOptions(1, k, 1, 0, 1, 0, 0, Map.of(), OptionalLong.of(1));

            sampler.sample(logits, 0, options, 1, 0);

            double[] expected = ReferenceSampler.probabilities(logits, options);
            assertThat(sampler.probabilities()).as("k " + k).containsExactly(expected, within(1e-9));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 64, 1000})
    void reportsLogProbabilitiesOfTheModelItself(int vocabSize) {
        float[] logits = logits(new Random(vocabSize), vocabSize, 1);
        Sampler sampler = new Sampler(vocabSize);
        var plain = new SamplingOptions(1, 0, 1, 0, 1, 0, 0, Map.of(), OptionalLong.of(1));
        double[] expected = ReferenceSampler.probabilities(logits, plain);
        sampler.remember(logits, 0);
        logits[0] = 50; // as a bias would

        TokenEvent.Logprobs logprobs = sampler.logprobs(0, Math.min(20, vocabSize));

        List<Integer> order = IntStream.range(0, vocabSize)
                .boxed()
                .sorted(Comparator.comparingDouble(id -> -expected[id]))
                .limit(20)
                .toList();
        assertThat(logprobs.chosen().logprob()).isCloseTo((float) Math.log(expected[0]), within(1e-5f));
        assertThat(logprobs.top().stream().map(TokenEvent.Logprob::token)).isEqualTo(order);
        assertThat(logprobs.top())
                .allSatisfy(
                        each -> assertThat(Math.exp(each.logprob())).isCloseTo(expected[each.token()], within(1e-6)));
    }

    @Test
    void weighsWithTheAccuracyItClaims() {
        Random random = new Random(3);
        double error = 0;
        for (int i = 0; i < 200_000; i++) {
            double x = -random.nextDouble() * (i % 2 == 0 ? 1 : 699);
            error = Math.max(error, Math.abs(Sampler.Exponential.exp(x) / Math.exp(x) - 1));
        }

        assertThat(error).isLessThan(2e-13);
        assertThat(Sampler.Exponential.exp(0)).isEqualTo(1);
        assertThat(Sampler.Exponential.exp(Double.NEGATIVE_INFINITY)).isZero();
    }

    /// Normal ones, every third row rounded so that many are equal, some of them forbidden.
    private static float[] logits(Random random, int count, float scale) {
        boolean rounded = random.nextInt(3) == 0;
        float[] logits = new float[count];
        for (int i = 0; i < count; i++) {
            float logit = (float) random.nextGaussian() * scale * 3;
            logits[i] = rounded ? Math.round(logit) : logit;
            if (i % 17 == 5) {
                logits[i] = Float.NEGATIVE_INFINITY;
            }
        }
        return logits;
    }

    private static SamplingOptions options(Random random, int vocabSize) {
        return new SamplingOptions(
                random.nextInt(5) == 0 ? 0.01f : 0.2f + 1.8f * random.nextFloat(),
                random.nextBoolean() ? 0 : 1 + random.nextInt(vocabSize + 3),
                random.nextBoolean() ? 1 : Math.nextUp(random.nextFloat()),
                random.nextBoolean() ? 0 : random.nextFloat(),
                1,
                0,
                0,
                Map.of(),
                OptionalLong.of(1));
    }
}
