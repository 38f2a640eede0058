package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PenaltiesTest {
    private static SamplingOptions options(
            float repetition, float presence, float frequency, Map<Integer, Float> bias) {
        return new SamplingOptions(1, 0, 1, 0, repetition, presence, frequency, bias, OptionalLong.of(0));
    }

    @Test
    void dividesPositiveAndMultipliesNegativeLogitsOfPromptAndOutput() {
        var penalties = new Penalties(options(2, 0, 0, Map.of()), new int[] {0, 1});
        penalties.count(2);
        float[] logits = {8, -8, 4, 4};

        penalties.adjust(logits, 0);

        assertThat(logits).containsExactly(4, -16, 2, 4);
    }

    @Test
    void subtractsPresenceOnceAndFrequencyEachTimeForOutputOnly() {
        var penalties = new Penalties(options(1, 0.5f, 0.25f, Map.of()), new int[] {0});
        penalties.count(1);
        penalties.count(2);
        penalties.count(2);
        float[] logits = {1, 1, 1, 1};

        penalties.adjust(logits, 0);

        assertThat(logits).containsExactly(1, 0.25f, 0, 1);
    }

    @Test
    void addsBiasLastAndToItsRowOnly() {
        var penalties = new Penalties(options(2, 0, 0, Map.of(1, -100f, 2, 0.5f)), new int[] {2});
        float[] logits = {9, 9, 9, 1, 1, 1};

        penalties.adjust(logits, 3);

        assertThat(logits).containsExactly(9, 9, 9, 1, -99, 1);
    }

    @Test
    void leavesLogitsAloneWhenNothingIsAsked() {
        var penalties = new Penalties(SamplingOptions.GREEDY, new int[] {0, 1});
        penalties.count(1);
        float[] logits = {1, 2};

        penalties.adjust(logits, 0);

        assertThat(logits).containsExactly(1, 2);
    }

    @Test
    void countsAsAMapDoes() {
        Random random = new Random(1);
        for (int round = 0; round < 50; round++) {
            var counts = new Penalties.TokenCounts();
            Map<Integer, Integer> expected = new HashMap<>();
            int range = 1 + random.nextInt(random.nextBoolean() ? 50 : 200_000);
            for (int i = 0; i < 1000; i++) {
                int token = random.nextInt(range);
                if (random.nextInt(3) == 0) {
                    counts.see(token);
                    expected.putIfAbsent(token, 0);
                } else {
                    counts.count(token);
                    expected.merge(token, 1, Integer::sum);
                }
            }

            Map<Integer, Integer> found = new HashMap<>();
            for (int i = 0; i < counts.size(); i++) {
                found.put(counts.token(i), counts.outputCount(i));
            }

            assertThat(found).isEqualTo(expected);
        }
    }
}
