package dev.trimtab.compress.compensate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.compress.compensate.RankBudget.Candidate;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.tensor.Encoding;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RankBudgetTest {
    @Test
    void takesWhatIsWorthMostForItsBytes() {
        Candidate large = new Candidate(new double[] {100, 10, 1}, 1, 10);
        Candidate small = new Candidate(new double[] {30, 20, 2}, 1, 2);

        assertThat(new RankBudget(4).ranks(List.of(large, small))).containsExactly(0, 2);
        assertThat(new RankBudget(14).ranks(List.of(large, small))).containsExactly(1, 2);
        assertThat(new RankBudget(16).ranks(List.of(large, small))).containsExactly(1, 3);
        assertThat(new RankBudget(1000).ranks(List.of(large, small))).containsExactly(3, 3);
        assertThat(new RankBudget(1).ranks(List.of(large, small))).containsExactly(0, 0);
    }

    @Test
    void takesNothingThatIsWorthNothing() {
        Candidate nothing = new Candidate(new double[] {0, 0}, 1, 1);

        assertThat(new RankBudget(9).ranks(List.of(nothing))).containsExactly(0);
        assertThat(new RankBudget(9).ranks(List.of())).isEmpty();
    }

    /// A step of 8-bit factors is a block of directions.
    @Test
    void stepsByWholeBlocks() {
        double[] energies = new double[40];
        java.util.Arrays.fill(energies, 1);
        Candidate candidate = Candidate.of(64, 128, energies, Encoding.Q8_0);

        assertThat(candidate.stepBytes()).isEqualTo(Encoding.Q8_0.sizeBytes(32 * (64 + 128)));
        assertThat(new RankBudget(candidate.stepBytes()).ranks(List.of(candidate)))
                .containsExactly(32);
        assertThat(new RankBudget(2 * candidate.stepBytes()).ranks(List.of(candidate)))
                .containsExactly(40);
        assertThat(Candidate.of(64, 128, energies, Encoding.F16).stepBytes()).isEqualTo(2 * (64 + 128));
    }

    /// Against every allocation of small problems: within the budget, and off the best by less than one step.
    @Test
    void isNearTheBestAllocation() {
        for (int seed = 0; seed < 200; seed++) {
            var random = new Random(seed);
            List<Candidate> candidates = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                double[] energies = random.doubles(3, 0, 10)
                        .map(e -> -e)
                        .sorted()
                        .map(e -> -e)
                        .toArray();
                candidates.add(new Candidate(energies, 1, 1 + random.nextInt(4)));
            }
            int budget = 1 + random.nextInt(20);

            int[] ranks = new RankBudget(budget).ranks(candidates);

            assertThat(bytes(candidates, ranks)).isLessThanOrEqualTo(budget);
            double step =
                    candidates.stream().mapToDouble(c -> c.energies()[0]).max().orElseThrow();
            assertThat(energy(candidates, ranks)).as("seed " + seed).isGreaterThan(best(candidates, budget) - step);
        }
    }

    @Test
    void refusesNoBudget() {
        assertThatThrownBy(() -> new RankBudget(0))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("found 0");
    }

    private static double best(List<Candidate> candidates, long budget) {
        double best = 0;
        for (int code = 0; code < 64; code++) {
            int[] ranks = {code % 4, code / 4 % 4, code / 16};
            if (bytes(candidates, ranks) <= budget) {
                best = Math.max(best, energy(candidates, ranks));
            }
        }
        return best;
    }

    private static long bytes(List<Candidate> candidates, int[] ranks) {
        long sum = 0;
        for (int i = 0; i < ranks.length; i++) {
            sum += ranks[i] * candidates.get(i).stepBytes();
        }
        return sum;
    }

    private static double energy(List<Candidate> candidates, int[] ranks) {
        double sum = 0;
        for (int i = 0; i < ranks.length; i++) {
            for (int k = 0; k < ranks[i]; k++) {
                sum += candidates.get(i).energies()[k];
            }
        }
        return sum;
    }
}
