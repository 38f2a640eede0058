package dev.trimtab.compress.lowrank;

import dev.trimtab.tensor.TensorForm;

/// What the low-rank stage made of a matrix.
public sealed interface LowRankResult {
    /// A product that is smaller.
    ///
    /// @param keptEnergy share of the weighted energy that the product has, 0..1
    record Factored(TensorForm.LowRank form, double keptEnergy) implements LowRankResult {}

    /// The matrix stays as it is.
    ///
    /// @param reason for the operator, with the numbers that decided
    record Kept(String reason) implements LowRankResult {}
}
