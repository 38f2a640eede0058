package dev.trimtab.compress.lowrank;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.lowrank.LowRankResult.Factored;
import dev.trimtab.compress.lowrank.LowRankResult.Kept;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.Encoding;
import java.util.Locale;
import java.util.OptionalInt;

/// Replaces a matrix `[m, n]` by a product of rank r where that is smaller: `r < m n / (m + n)`, and the
/// factors' bytes below [#sizeBytesMax].
///
/// @param encoding of the factors, F16 or F32; the quantize stage packs them further
/// @param sizeBytesMax bytes that the factors must stay below, such as those of the form they replace;
///     `Long.MAX_VALUE` where only the number of weights counts
public record LowRankStage(LowRankMethod method, RankRule rule, Encoding encoding, long sizeBytesMax) {
    /// Directions tried first under the energy rule, [#GROWTH] times as many in each further try: the last
    /// costs more than all before.
    private static final int FIRST_TRY = 64;

    private static final int GROWTH = 4;

    /// By how much the energies of slowly falling spectra may come out low in a randomized subspace.
    private static final double SLACK = 1.1;

    /// Shares are sums of floats.
    private static final double ROUNDING = 1e-6;

    /// @throws BadConfiguration for an encoding other than F16 and F32
    public LowRankStage {
        if (encoding != Encoding.F16 && encoding != Encoding.F32) {
            throw new BadConfiguration("low rank: factors in F16 or F32 expected, found " + encoding);
        }
    }

    /// Factors `matrix`, named `name`.
    ///
    /// @param seed equal seeds give equal bytes
    /// @throws BadConfiguration where what is known of the inputs does not fit the matrix
    /// @throws dev.trimtab.error.BadCheckpoint where weights are not finite
    public LowRankResult apply(String name, Matrix matrix, Inputs inputs, long seed, ComputePool pool) {
        int rankMax = rankMax(matrix);
        if (rankMax < 1) {
            return new Kept("no product is smaller than " + matrix.shape());
        }
        if (rule instanceof RankRule.Fixed fixed && fixed.rank() > rankMax) {
            return new Kept(tooLarge(fixed.rank(), rankMax, matrix));
        }
        var factorizer = new Factorizer(matrix, method.weighting(inputs, matrix.columns()), seed, pool);
        double total = factorizer.energy();
        if (total == 0 && Weighting.none().energy(matrix, pool) > 0) {
            return new Kept("no input met its weights in the calibration text");
        }
        return switch (rule) {
            case RankRule.Fixed fixed -> factored(name, factorizer.ofRank(fixed.rank()), total);
            case RankRule.Energy energy -> byEnergy(name, factorizer, total, energy.share() * total, rankMax);
        };
    }

    /// The largest rank that is smaller than the matrix.
    int rankMax(Matrix matrix) {
        long m = matrix.rows();
        long n = matrix.columns();
        long byWeights = (m * n - 1) / (m + n);
        long byBytes = (sizeBytesMax - 1) / encoding.sizeBytes(m + n);
        return (int) Math.min(Factorizer.RANK_MAX, Math.min(byWeights, byBytes));
    }

    private LowRankResult byEnergy(String name, Factorizer factorizer, double total, double needed, int rankMax) {
        for (int rank = FIRST_TRY; ; rank *= GROWTH) {
            Factors factors = factorizer.ofRank(Math.min(rank, rankMax));
            OptionalInt enough = smallest(factors.energies(), needed * (1 - ROUNDING));
            if (enough.isPresent()) {
                return factored(name, factors.first(enough.getAsInt()), total);
            }
            double reachable = factors.energy() + factors.energies()[factors.rank() - 1] * (rankMax - factors.rank());
            if (factors.rank() == rankMax || reachable * SLACK < needed) {
                return new Kept(tooLittle(factors.rank(), factors.energy() / total, needed / total, rankMax));
            }
        }
    }

    /// The first rank, from 1, whose energies reach `needed`.
    private static OptionalInt smallest(double[] energies, double needed) {
        double sum = 0;
        for (int i = 0; i < energies.length; i++) {
            sum += energies[i];
            if (sum >= needed) {
                return OptionalInt.of(i + 1);
            }
        }
        return OptionalInt.empty();
    }

    private LowRankResult factored(String name, Factors factors, double total) {
        double kept = total > 0 ? Math.min(1, factors.energy() / total) : 1;
        return new Factored(FactorEncoder.encode(name, factors, encoding), kept);
    }

    private static String tooLarge(int rank, int rankMax, Matrix matrix) {
        return "rank " + rank + ": at most " + rankMax + " is smaller than " + matrix.shape();
    }

    private static String tooLittle(int rank, double found, double share, int rankMax) {
        return String.format(
                Locale.ROOT,
                "rank %d has %.3f of the energy, %.3f expected of at most rank %d",
                rank,
                found,
                share,
                rankMax);
    }
}
