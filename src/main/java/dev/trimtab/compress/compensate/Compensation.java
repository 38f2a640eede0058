package dev.trimtab.compress.compensate;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.lowrank.FactorEncoder;
import dev.trimtab.compress.lowrank.Factorizer;
import dev.trimtab.compress.lowrank.Factors;
import dev.trimtab.compress.lowrank.Weighting;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.Products;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.TensorForm;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// A correction of low rank for what is left of a matrix after quantization and pruning.
///
/// @param rank directions asked for; rounded up to whole blocks of `store`, which costs nothing once packed
/// @param store encoding of the factors: Q8_0, F16 or F32
/// @param rounds of quantizing and correcting in turn, 1..[#ROUNDS_MAX]; 1 corrects once
public record Compensation(CompensateMethod method, int rank, Encoding store, int rounds) {
    /// Li et al. find that five rounds are as good as more.
    public static final int ROUNDS_MAX = 5;

    /// @throws BadConfiguration for what is out of range
    public Compensation {
        if (rank < 1 || rank > Factorizer.RANK_MAX) {
            throw new BadConfiguration("compensate: rank 1.." + Factorizer.RANK_MAX + " expected, found " + rank);
        }
        if (rounds < 1 || rounds > ROUNDS_MAX) {
            throw new BadConfiguration("compensate: iterations 1.." + ROUNDS_MAX + " expected, found " + rounds);
        }
        if (store != Encoding.Q8_0 && store != Encoding.F16 && store != Encoding.F32) {
            throw new BadConfiguration("compensate: store q8_0, f16 or f32 expected, found " + store);
        }
    }

    /// What alternating found.
    ///
    /// @param base what to quantize in place of the original
    /// @param correction of the quantized base; empty where it loses nothing
    /// @param loss weighted loss of the quantized base with its correction, `tr(E C E^T)`
    /// @param round that was best, from 1
    public record Alternated(Matrix base, Optional<TensorForm.LowRank> correction, double loss, int round) {}

    /// The correction of `error = W - Q`, named `name`; empty where there is nothing to correct that inputs
    /// would meet.
    ///
    /// @param seed equal seeds give equal bytes
    /// @throws BadConfiguration where what is known of the inputs does not fit the matrix
    /// @throws dev.trimtab.error.BadCheckpoint where the error is not finite
    public Optional<TensorForm.LowRank> correct(String name, Matrix error, Inputs inputs, long seed, ComputePool pool) {
        return encoded(name, new Factorizer(error, method.weighting(inputs, error.columns()), seed, pool));
    }

    /// What each direction of the correction would take off the loss, descending: what [RankBudget] weighs.
    public double[] gains(Matrix error, Inputs inputs, long seed, ComputePool pool) {
        return factors(new Factorizer(error, method.weighting(inputs, error.columns()), seed, pool))
                .energies();
    }

    /// Quantizes and corrects `original` in turn (LoftQ): with `L_0 = 0`, in round t
    ///
    ///     Q_t = quantize(W - L_(t-1))
    ///     L_t = the correction of W - Q_t, as it is stored
    ///
    /// and gives the round with the smallest loss, so that more rounds are never worse than one.
    ///
    /// @param quantize a matrix as it reads once it is quantized; must not change its argument
    public Alternated alternate(
            String name, Matrix original, UnaryOperator<Matrix> quantize, Inputs inputs, long seed, ComputePool pool) {
        Weighting weighting = method.weighting(inputs, original.columns());
        Matrix base = original;
        Alternated best = new Alternated(original, Optional.empty(), Double.POSITIVE_INFINITY, 0);
        for (int round = 1; round <= rounds; round++) {
            Matrix error = original.minus(quantize.apply(base));
            Optional<TensorForm.LowRank> correction = encoded(name, new Factorizer(error, weighting, seed, pool));
            if (correction.isEmpty()) {
                return new Alternated(base, correction, 0, round);
            }
            Matrix given = decoded(correction.get(), pool);
            double loss = weighting.energy(error.minus(given), pool);
            if (loss < best.loss()) {
                best = new Alternated(base, correction, loss, round);
            }
            base = original.minus(given);
        }
        return best;
    }

    private Optional<TensorForm.LowRank> encoded(String name, Factorizer factorizer) {
        Factors factors = factors(factorizer);
        return factors.energy() > 0 ? Optional.of(FactorEncoder.encode(name, factors, store)) : Optional.empty();
    }

    private Factors factors(Factorizer factorizer) {
        return factorizer.ofRank(Math.min(FactorEncoder.storedRank(rank, store), Factorizer.RANK_MAX));
    }

    private static Matrix decoded(TensorForm.LowRank form, ComputePool pool) {
        return Products.times(Matrix.of("left", form.left()), Matrix.of("right", form.right()), pool);
    }
}
