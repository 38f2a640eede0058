package dev.trimtab.quality.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.error.BadCheckpoint;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenComparisonTest {
    /// Softmax in float64.
    private static double[] softmax(float[] logits) {
        double max = IntStream.range(0, logits.length)
                .mapToDouble(i -> logits[i])
                .max()
                .orElseThrow();
        double sum = IntStream.range(0, logits.length)
                .mapToDouble(i -> Math.exp(logits[i] - max))
                .sum();
        return IntStream.range(0, logits.length)
                .mapToDouble(i -> Math.exp(logits[i] - max) / sum)
                .toArray();
    }

    private static float[] logits(Random random, int count, double spread) {
        float[] logits = new float[count];
        for (int i = 0; i < count; i++) {
            logits[i] = (float) (spread * random.nextGaussian());
        }
        return logits;
    }

    private static float[] near(Random random, float[] logits) {
        float[] moved = logits.clone();
        for (int i = 0; i < moved.length; i++) {
            moved[i] += (float) (0.3 * random.nextGaussian());
        }
        return moved;
    }

    private static Teacher teacher(float[] base, int next) {
        int kept = Math.min(base.length, Teacher.KEPT_MAX);
        int[] ids = LogitRow.largest(base, 0, base.length, kept);
        float[] logits = new float[kept];
        for (int i = 0; i < kept; i++) {
            logits[i] = base[ids[i]];
        }
        double[] sums = {LogitRow.logSum(base, 0, base.length)};
        return new Teacher(base.length, kept, sums, new float[] {base[next]}, ids, logits, List.of());
    }

    /// A vocabulary that the teacher keeps whole: nothing is lost.
    @ParameterizedTest
    @ValueSource(ints = {2, 40, 512})
    void isExactWhereAllLogitsAreKept(int vocabSize) {
        Random random = new Random(vocabSize);
        float[] base = logits(random, vocabSize, 3);
        float[] variant = near(random, base);
        double[] p = softmax(base);
        double[] q = softmax(variant);
        int next = vocabSize / 2;

        TokenComparison found = TokenComparison.of(teacher(base, next), 0, next, variant, 0, Dialect.SAME);

        double divergence = 0;
        double overlap = 0;
        for (int i = 0; i < vocabSize; i++) {
            divergence += p[i] * Math.log(p[i] / q[i]);
            overlap += Math.min(p[i], q[i]);
        }
        double[] sorted = p.clone();
        Arrays.sort(sorted);
        assertThat(found.divergence()).isCloseTo(divergence, within(1e-12));
        assertThat(found.overlap()).isCloseTo(overlap, within(1e-12));
        assertThat(found.margin()).isCloseTo(sorted[vocabSize - 1] - sorted[vocabSize - 2], within(1e-12));
        assertThat(found.baseNats()).isCloseTo(-Math.log(p[next]), within(1e-12));
        assertThat(found.variantNats()).isCloseTo(-Math.log(q[next]), within(1e-12));
        assertThat(found.delta()).isCloseTo(q[next] - p[next], within(1e-12));
        assertThat(found.isSameTop()).isEqualTo(top(p) == top(q));
    }

    private static int top(double[] shares) {
        return IntStream.range(0, shares.length)
                .boxed()
                .max(Comparator.comparingDouble(i -> shares[i]))
                .orElseThrow();
    }

    /// What the rest as one bucket loses is `P KL(p | rest || q | rest)`, exactly.
    @ParameterizedTest
    @ValueSource(doubles = {1, 3, 6})
    void losesTheDivergenceWithinTheRestAndNoMore(double spread) {
        int vocabSize = 4000;
        Random random = new Random(9);
        float[] base = logits(random, vocabSize, spread);
        float[] variant = near(random, base);
        double[] p = softmax(base);
        double[] q = softmax(variant);

        TokenComparison found = TokenComparison.of(teacher(base, 0), 0, 0, variant, 0, Dialect.SAME);

        boolean[] isKept = new boolean[vocabSize];
        for (int id : LogitRow.largest(base, 0, vocabSize, Teacher.KEPT_MAX)) {
            isKept[id] = true;
        }
        double whole = 0;
        double restOfP = 0;
        double restOfQ = 0;
        double within = 0;
        for (int i = 0; i < vocabSize; i++) {
            double term = p[i] * Math.log(p[i] / q[i]);
            whole += term;
            restOfP += isKept[i] ? 0 : p[i];
            restOfQ += isKept[i] ? 0 : q[i];
            within += isKept[i] ? 0 : term;
        }
        double lost = within - restOfP * Math.log(restOfP / restOfQ);
        assertThat(found.divergence()).isCloseTo(whole - lost, within(1e-9)).isLessThanOrEqualTo(whole + 1e-9);
        assertThat(lost).isBetween(0.0, restOfP * 0.1);
    }

    @Test
    void isNothingBetweenEqualRows() {
        float[] base = logits(new Random(1), 3000, 2);

        TokenComparison found = TokenComparison.of(teacher(base, 5), 0, 5, base, 0, Dialect.SAME);

        assertThat(found.divergence()).isZero();
        assertThat(found.isSameTop()).isTrue();
        assertThat(found.overlap()).isCloseTo(1, within(1e-12));
        assertThat(found.delta()).isZero();
    }

    @Test
    void refusesLogitsThatAreNoNumbers() {
        float[] base = {1, 2, 3};

        assertThatThrownBy(() -> TokenComparison.of(
                        teacher(base, 0), 0, 0, new float[] {1, Float.NaN, Float.NaN}, 0, Dialect.SAME))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("the variant's logits");
    }

    @Test
    void findsTheLargestWithTheFirstOfEqualOnesFirst() {
        Random random = new Random(3);
        float[] logits = new float[700];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = random.nextInt(40) - 20;
        }
        logits[7] = -0f;

        int[] found = LogitRow.largest(logits, 0, logits.length, 100);

        int[] expected = IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(i -> -(logits[i] + 0f))
                        .thenComparing(i -> i))
                .mapToInt(Integer::intValue)
                .limit(100)
                .toArray();
        assertThat(found).isEqualTo(expected);
        assertThat(found[0]).isEqualTo(LogitRow.top(logits, 0, logits.length));
    }
}
