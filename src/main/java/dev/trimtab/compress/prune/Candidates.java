package dev.trimtab.compress.prune;

import dev.trimtab.error.BadCheckpoint;

/// What one block can lose: its KV groups, or its neurons.
///
/// @param name of the block, for messages
/// @param scores higher stays; one for each group
/// @param cost weights that go with one group
/// @param align what is kept is a multiple of it, at least once, or all
@SuppressWarnings("ArrayRecordComponent")
public record Candidates(String name, double[] scores, double cost, int align) {
    /// @throws BadCheckpoint where a score is not finite, as weights or activations that overflow make it
    public Candidates {
        assert cost > 0 && align > 0 && scores.length > 0 : name;
        for (int i = 0; i < scores.length; i++) {
            if (!Double.isFinite(scores[i])) {
                throw BadCheckpoint.mismatch(name + ": score " + i, "a finite number", scores[i]);
            }
        }
    }

    /// With mean 0 and variance 1, so that blocks compare (FLAP, section 4.2); all 0 where all are equal.
    Candidates standardized() {
        double mean = 0;
        for (double score : scores) {
            mean += score / scores.length;
        }
        double variance = 0;
        for (double score : scores) {
            variance += (score - mean) * (score - mean) / scores.length;
        }
        double deviation = Math.sqrt(variance);
        double[] standard = new double[scores.length];
        for (int i = 0; i < standard.length && deviation > 0; i++) {
            standard[i] = (scores[i] - mean) / deviation;
        }
        return new Candidates(name, standard, cost, align);
    }
}
