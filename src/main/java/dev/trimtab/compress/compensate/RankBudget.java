package dev.trimtab.compress.compensate;

import dev.trimtab.compress.lowrank.FactorEncoder;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.tensor.Encoding;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// Shares bytes out between the corrections of many matrices: the knapsack of singular values.
///
/// Directions come in steps of as many as fill a block. A step of matrix i is worth the sum of its energies
/// (squared singular values) and costs `bytes_i`; always the step with most energy per byte is taken that
/// still fits. A matrix's steps fall in worth, so this is the optimum of the relaxed knapsack, and off the
/// optimum by less than the first step that did not fit.
public record RankBudget(long sizeBytes) {
    /// @throws BadConfiguration for less than a byte
    public RankBudget {
        if (sizeBytes < 1) {
            throw new BadConfiguration("compensate: a budget of 1 byte or more expected, found " + sizeBytes);
        }
    }

    /// A matrix that could be corrected.
    ///
    /// @param energies what each direction takes off the loss, descending, on a scale common to all candidates
    /// @param stepRank directions of a step, the last of which may have fewer
    /// @param stepBytes of a step
    @SuppressWarnings("ArrayRecordComponent")
    public record Candidate(double[] energies, int stepRank, long stepBytes) {
        /// A matrix `[rows, columns]` whose factors are stored as `store`.
        public static Candidate of(int rows, int columns, double[] energies, Encoding store) {
            int step = FactorEncoder.storedRank(1, store);
            return new Candidate(energies, step, FactorEncoder.sizeBytes(rows, columns, step, store));
        }

        private double energy(int step) {
            double sum = 0;
            for (int i = step * stepRank; i < Math.min((step + 1) * stepRank, energies.length); i++) {
                sum += energies[i];
            }
            return sum;
        }

        private int rank(int steps) {
            return Math.min(steps * stepRank, energies.length);
        }
    }

    private record Step(int candidate, int index, double worth) {}

    /// The rank of each candidate, 0 where none is worth its bytes.
    public int[] ranks(List<Candidate> candidates) {
        var steps = new PriorityQueue<Step>(
                Comparator.comparingDouble(Step::worth).reversed().thenComparingInt(Step::candidate));
        for (int i = 0; i < candidates.size(); i++) {
            offer(steps, candidates.get(i), i, 0);
        }
        int[] ranks = new int[candidates.size()];
        long left = sizeBytes;
        for (Step step = steps.poll(); step != null; step = steps.poll()) {
            Candidate candidate = candidates.get(step.candidate());
            if (candidate.stepBytes() <= left) {
                left -= candidate.stepBytes();
                ranks[step.candidate()] = candidate.rank(step.index() + 1);
                offer(steps, candidate, step.candidate(), step.index() + 1);
            }
        }
        return ranks;
    }

    private static void offer(PriorityQueue<Step> steps, Candidate candidate, int number, int index) {
        double energy = candidate.energy(index);
        if (energy > 0) {
            steps.add(new Step(number, index, energy / candidate.stepBytes()));
        }
    }
}
