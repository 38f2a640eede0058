package dev.trimtab.compress.lowrank;

import dev.trimtab.error.BadConfiguration;

/// How the rank of a product is chosen.
public sealed interface RankRule {
    /// The rank itself.
    ///
    /// @param rank 1..[Factorizer#RANK_MAX]
    record Fixed(int rank) implements RankRule {
        /// @throws BadConfiguration for a rank out of range
        public Fixed {
            if (rank < 1 || rank > Factorizer.RANK_MAX) {
                throw new BadConfiguration("low rank: rank 1.." + Factorizer.RANK_MAX + " expected, found " + rank);
            }
        }
    }

    /// The smallest rank whose squared (weighted) singular values are at least `share` of the sum of all.
    ///
    /// @param share above 0, at most 1
    record Energy(double share) implements RankRule {
        /// What recipes mean that do not say: the usual share of explained variance.
        public static final Energy DEFAULT = new Energy(0.95);

        /// @throws BadConfiguration for a share out of range
        public Energy {
            if (!(share > 0 && share <= 1)) {
                throw new BadConfiguration("low rank: energy above 0, at most 1 expected, found " + share);
            }
        }
    }
}
