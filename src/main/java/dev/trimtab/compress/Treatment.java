package dev.trimtab.compress;

import dev.trimtab.compress.recipe.Stages.Correct;
import dev.trimtab.compress.recipe.Stages.Factorize;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Stages.Sparsity;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Shape;
import java.util.Optional;

/// What the stages do to one matrix, in this order; what is left of it by structured pruning comes in.
///
/// @param quantize every matrix has one; [Scheme#KEEP] leaves it as it is stored
record Treatment(
        Optional<Sparsity> sparsity, Optional<Factorize> factorize, Quantize quantize, Optional<Correct> correct) {
    /// Whether packing alone carries it out: no method needs to see the weights.
    boolean isPacking() {
        return sparsity.isEmpty()
                && factorize.isEmpty()
                && correct.isEmpty()
                && quantize.rounding().equals(Quantize.NEAREST);
    }

    /// How it will lie in memory when packing alone gives `base`: of what depends on the weights, the most.
    Held held(Held base, Shape shape) {
        Held held = base;
        if (sparsity.isPresent() && sparsity.get().pattern() instanceof Sparsity.Pattern.Vectors()) {
            held = new Held.Lines(1 - sparsity.get().share());
        } else if (factorize.isPresent() && factorize.get().rank().isPresent()) {
            int rank = factorize.get().rank().getAsInt();
            Held factors = new Held.Factors(
                    base instanceof Held.Packed(PackedFormat format) ? format : PackedFormat.F16, rank);
            held = factors.bytes(shape) < base.bytes(shape) ? factors : base;
        }
        return correct.isPresent() ? new Held.Corrected(held, correct.get().rank()) : held;
    }
}
