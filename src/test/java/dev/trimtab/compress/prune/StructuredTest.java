package dev.trimtab.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Which groups, layers and tokens stay.
class StructuredTest {
    @Test
    void scoresByVarianceTimesNorm() {
        // Two KV groups of two query heads of two columns.
        Matrix last = PruneSample.matrix(3, 8, 1);
        InputStatistics statistics = new PruneSample(50, 8, 2).moments().statistics();

        double[] scores = GroupScores.flap(last, statistics, 2, 2);

        for (int group = 0; group < 2; group++) {
            double expected = 0;
            for (int j = 4 * group; j < 4 * group + 4; j++) {
                double mean = statistics.mean()[j];
                double variance = statistics.meanSquare()[j] - mean * mean;
                for (int row = 0; row < 3; row++) {
                    expected += variance * last.at(row, j) * last.at(row, j) / 2;
                }
            }
            assertThat(scores[group]).isCloseTo(expected, within(1e-4 * expected));
        }
    }

    @Test
    void scoresByAllWeightsThatGo() {
        Matrix last = PruneSample.matrix(3, 4, 1);
        Matrix gate = PruneSample.matrix(4, 3, 2);
        Matrix keys = PruneSample.matrix(2, 3, 3);

        double[] scores = GroupScores.magnitude(last, List.of(gate, keys), 2);

        double expected = 0;
        for (int i = 0; i < 3; i++) {
            for (int j = 2; j < 4; j++) {
                expected += Math.pow(last.at(i, j), 2) + Math.pow(gate.at(j, i), 2);
            }
            expected += Math.pow(keys.at(1, i), 2);
        }
        assertThat(scores[1]).isCloseTo(expected, within(1e-5));
    }

    @Test
    void scoresByActivityAndBySeed() {
        assertThat(GroupScores.activity(new float[] {0, 0.5f, 1, 1}, 2)).containsExactly(0.75, 0);
        assertThat(GroupScores.random(5, 3)).isEqualTo(GroupScores.random(5, 3));
        assertThat(GroupScores.random(5, 3)).isNotEqualTo(GroupScores.random(5, 4));
    }

    @Test
    void keepsTheHighestOfEachBlock() {
        List<int[]> kept = Selection.uniform(List.of(block(1, 1, 4, 1, 3, 2), block(1, 1, 0.1, 0.4, 0.2, 0.3)), 0.5);

        assertThat(kept.get(0)).containsExactly(0, 2);
        assertThat(kept.get(1)).containsExactly(1, 3);
    }

    @Test
    void letsBlocksCompeteByHowTheirScoresStandOut() {
        // The first block's groups are alike; one of the second's stands out, low.
        List<int[]> kept =
                Selection.global(List.of(block(1, 1, 100, 101, 102, 103), block(1, 1, 1, 90, 91, 92)), 1.0 / 8);

        assertThat(kept.get(0)).hasSize(4);
        assertThat(kept.get(1)).containsExactly(1, 2, 3);
    }

    @Test
    void weighsGroupsByWhatTheyCost() {
        // 2 groups of cost 4 and 8 of cost 1: a quarter is one group, or four.
        List<int[]> kept = Selection.global(List.of(block(4, 1, 5, 4), block(1, 1, 1, 1, 1, 1, 1, 1, 1, 9)), 0.25);

        double left = 4 * kept.get(0).length + kept.get(1).length;
        assertThat(left).isEqualTo(12);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void keepsAlignedCountsThatAreNearTheRatio(long seed) {
        Random random = new Random(seed);
        List<Candidates> blocks = IntStream.range(0, 6)
                .mapToObj(i -> block(3, 32, random.doubles(96 + 20 * i).toArray()))
                .toList();
        double ratio = random.nextDouble() * 0.7;

        List<int[]> kept = Selection.global(blocks, ratio);

        int total = 0;
        int left = 0;
        for (int i = 0; i < 6; i++) {
            int count = kept.get(i).length;
            int all = blocks.get(i).scores().length;
            assertThat(count % 32 == 0 || count == all).isTrue();
            assertThat(kept.get(i)).isSorted().doesNotHaveDuplicates();
            assertLowestGo(blocks.get(i).scores(), kept.get(i));
            total += all;
            left += count;
        }
        assertThat((double) total - left).isCloseTo(ratio * total, within(17.0));
        assertThat(Selection.global(blocks, ratio)).usingRecursiveComparison().isEqualTo(kept);
    }

    private static void assertLowestGo(double[] scores, int[] kept) {
        double lowestKept =
                Arrays.stream(kept).mapToDouble(i -> scores[i]).min().orElseThrow();
        double highestGone = IntStream.range(0, scores.length)
                .filter(i -> Arrays.binarySearch(kept, i) < 0)
                .mapToDouble(i -> scores[i])
                .max()
                .orElse(Double.NEGATIVE_INFINITY);
        assertThat(highestGone).isLessThanOrEqualTo(lowestKept);
    }

    @Test
    void leavesOneGroupAndOneAlignmentOfNeurons() {
        List<int[]> kept = Selection.uniform(List.of(block(1, 1, 3, 1, 2), block(1, 32, new double[50])), 0.999);

        assertThat(kept.get(0)).containsExactly(0);
        assertThat(kept.get(1)).hasSize(32);
        assertThat(Selection.uniform(List.of(block(1, 32, new double[20])), 0.9).getFirst())
                .hasSize(20);
        assertThat(Selection.global(List.of(block(1, 1, 5, 5, 5)), 0).getFirst())
                .hasSize(3);
    }

    @Test
    void refusesRatiosAndScoresThatAreNone() {
        List<Candidates> blocks = List.of(block(1, 1, 1, 2));

        for (double ratio : new double[] {-0.1, 1, Double.NaN}) {
            assertThatThrownBy(() -> Selection.global(blocks, ratio)).isInstanceOf(BadConfiguration.class);
        }
        assertThatThrownBy(() -> block(1, 1, 1, Double.NaN))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("test: score 1");
    }

    private static Candidates block(double cost, int align, double... scores) {
        return new Candidates("test", scores, cost, align);
    }

    @Test
    void dropsLayersOfLeastInfluence() {
        FakeInfluences source = new FakeInfluences();
        int[] layers = {0, 1, 2, 4};

        assertThat(BlockInfluence.kept(source, layers, BlockInfluence.Part.LAYER, 2))
                .containsExactly(0, 4);
        assertThat(BlockInfluence.kept(source, layers, BlockInfluence.Part.ATTENTION, 1))
                .containsExactly(0, 1, 2);
        assertThat(BlockInfluence.kept(source, layers, BlockInfluence.Part.FEED_FORWARD, 3))
                .containsExactly(0);
        assertThat(BlockInfluence.dropped(layers, new int[] {0, 4})).containsExactly(1, 2);
        assertThatThrownBy(() -> BlockInfluence.kept(source, layers, BlockInfluence.Part.LAYER, 4))
                .isInstanceOf(BadConfiguration.class);
        assertThat(BlockInfluence.WARNING).contains("2602.01997");
    }

    private static final class FakeInfluences implements CalibrationSource {
        private static final double[] LAYER = {0.9, 0.2, 0.1, 0, 0.4};

        @Override
        public Inputs inputs(String tensor) {
            throw new UnsupportedOperationException(tensor);
        }

        @Override
        public float[] nearZero(String tensor, float epsilon) {
            throw new UnsupportedOperationException(tensor);
        }

        @Override
        public Influence influence(int layer) {
            return new Influence(LAYER[layer], 1.0 / (layer + 1), 0.5);
        }

        @Override
        public String digest() {
            return "fake";
        }
    }
}
