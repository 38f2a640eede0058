package dev.trimtab.variant.life;

import dev.trimtab.variant.MemoryPlan;
import java.util.OptionalDouble;

/// What a load would give, without loading a weight.
///
/// @param room what would have to go for it, or why it does not fit
/// @param decodeTokensPerSecond of one sequence; its basis says how far to trust it
/// @param quality same-top against the checkpoint's base; its basis says whence, or why it is not known
public record Prediction(
        MemoryPlan.Demand demand, VariantLifecycle.Room room, Estimate decodeTokensPerSecond, Estimate quality) {
    /// A figure and where it comes from; without the figure, why there is none.
    public record Estimate(OptionalDouble value, String basis) {}
}
