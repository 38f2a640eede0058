package dev.trimtab.compress;

import dev.trimtab.compress.calibration.Needs;
import dev.trimtab.compress.lowrank.FactorEncoder;
import dev.trimtab.compress.lowrank.RankRule;
import dev.trimtab.compress.quantize.Rounding;
import dev.trimtab.compress.recipe.Stages.Correct;
import dev.trimtab.compress.recipe.Stages.Factorize;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Stages.Sparsity;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import java.util.Optional;

/// What the stages do to one matrix, in this order; what is left of it by structured pruning comes in.
///
/// @param quantize every matrix has one; the scheme `keep` leaves it as it is stored
record Treatment(
        Optional<Sparsity> sparsity, Optional<Factorize> factorize, Quantize quantize, Optional<Correct> correct) {
    Treatment with(Optional<Correct> other) {
        return new Treatment(sparsity, factorize, quantize, other);
    }

    Treatment with(Quantize other) {
        return new Treatment(sparsity, factorize, other, correct);
    }

    /// Whether packing alone carries it out: no method needs to see the weights.
    boolean isPacking() {
        return sparsity.isEmpty() && factorize.isEmpty() && correct.isEmpty() && quantize.isPacking();
    }

    /// Whether no stage needs to know activations.
    boolean isDataFree() {
        return sparsity.map(asked -> asked.method().needs() == Needs.NOTHING).orElse(true)
                && factorize
                        .map(asked -> asked.method().needs() == Needs.NOTHING)
                        .orElse(true)
                && quantize.rounding().needs() == Needs.NOTHING
                && correct.map(asked -> asked.how().method().needs() == Needs.NOTHING)
                        .orElse(true);
    }

    /// Whether the columns of the matrix are scaled, for which what makes its input must be.
    boolean scalesColumns() {
        return quantize.rounding() == Rounding.AWQ;
    }

    /// How it will lie in memory when packing alone gives `base`: of what depends on the weights, the most.
    Held held(Held base, Shape shape) {
        Held held = base;
        if (sparsity.isPresent() && sparsity.get().pattern() instanceof Sparsity.Pattern.Vectors()) {
            held = new Held.Lines(1 - sparsity.get().share());
        } else if (factorize.isPresent() && factorize.get().rule() instanceof RankRule.Fixed(int rank)) {
            PackedFormat format = base instanceof Held.Packed(PackedFormat packed) ? packed : PackedFormat.F16;
            Held factors = new Held.Factors(format, rank);
            held = factors.bytes(shape) < base.bytes(shape) ? factors : base;
        }
        return correct.isPresent()
                ? new Held.Corrected(
                        held, FactorEncoder.storedRank(correct.get().how().rank(), Encoding.Q8_0))
                : held;
    }
}
