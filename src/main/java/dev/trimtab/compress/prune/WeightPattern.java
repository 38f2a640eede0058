package dev.trimtab.compress.prune;

import dev.trimtab.error.BadConfiguration;

/// Which weights compete for removal, and how many go.
public sealed interface WeightPattern {
    /// A share of all, those of the lowest scores; exactly `round(share count)` of those that compete.
    ///
    /// @param removed in 0..1, below 1
    record Share(double removed) implements WeightPattern {
        /// @throws BadConfiguration for a share outside
        public Share {
            if (!(removed >= 0 && removed < 1)) {
                throw new BadConfiguration("sparsity " + removed + ": a number from 0 to below 1 expected");
            }
        }
    }

    /// Of each `of` consecutive weights of a row `kept` stay (N:M, such as 2:4). Of a row's last, incomplete
    /// ones the same share stays, rounded up.
    record KeptOf(int kept, int of) implements WeightPattern {
        /// More consecutive weights than any pattern in use has.
        private static final int OF_MAX = 64;

        /// @throws BadConfiguration for numbers outside
        public KeptOf {
            if (kept < 1 || of < kept || of > OF_MAX) {
                throw new BadConfiguration(
                        "pattern " + kept + ":" + of + ": 1 <= kept <= of <= " + OF_MAX + " expected");
            }
        }

        /// How many of `count` weights go.
        int removedOf(int count) {
            return count * (of - kept) / of;
        }
    }
}
