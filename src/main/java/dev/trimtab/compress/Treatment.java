package dev.trimtab.compress;

import dev.trimtab.compress.recipe.Scheme;
import dev.trimtab.compress.recipe.Stages.Correct;
import dev.trimtab.compress.recipe.Stages.Factorize;
import dev.trimtab.compress.recipe.Stages.Quantize;
import dev.trimtab.compress.recipe.Stages.Sparsity;
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
}
