package dev.trimtab.variant.life;

import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.VariantRegistry.Slot;
import dev.trimtab.variant.life.Prediction.Estimate;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.DoubleSupplier;

/// Says what a load would give, from the checkpoint's sizes, the machine's memory and what variants of the
/// same model were measured at.
///
/// Decode reads every weight once a token, so `tokens/s <= bandwidth / bytes`; and two variants of a model are
/// about as fast as their bytes say: `tokens/s = measured * measuredBytes / bytes`. Quality cannot be
/// computed: it is that of a variant of the same model and recipe, or unknown.
final class Predictor {
    private static final double GIGA = 1e9;

    private final VariantRegistry registry;
    private final VariantLifecycle lifecycle;
    private final VariantFactory factory;
    private final DoubleSupplier gigabytesPerSecond;

    /// `gigabytesPerSecond` is what the machine reads memory at.
    Predictor(
            VariantRegistry registry,
            VariantLifecycle lifecycle,
            VariantFactory factory,
            DoubleSupplier gigabytesPerSecond) {
        this.registry = registry;
        this.lifecycle = lifecycle;
        this.factory = factory;
        this.gigabytesPerSecond = gigabytesPerSecond;
    }

    /// @throws dev.trimtab.error.TrimtabException when the checkpoint or the recipe could not be loaded
    Prediction predict(VariantOrder order) {
        MemoryPlan.Demand demand = factory.demand(order);
        List<Slot> siblings = registry.slots().stream()
                .filter(slot -> lifecycle
                        .order(slot.name())
                        .filter(other -> other.source().equals(order.source()) && other.backend() == order.backend())
                        .isPresent())
                .toList();
        return new Prediction(demand, lifecycle.room(demand), speed(demand, siblings), quality(order, siblings));
    }

    private Estimate speed(MemoryPlan.Demand demand, List<Slot> siblings) {
        for (Slot sibling : siblings) {
            OptionalDouble measured = sibling.measured()
                    .map(found -> found.decodeTokensPerSecond())
                    .orElseGet(OptionalDouble::empty);
            long bytes = sibling.variant()
                    .map(variant ->
                            variant.weightBytes().own() + variant.weightBytes().shared())
                    .orElse(0L);
            if (measured.isPresent() && bytes > 0) {
                return new Estimate(
                        OptionalDouble.of(measured.getAsDouble() * bytes / demand.weightBytes()),
                        "measured of `" + sibling.name() + "`, by the ratio of their bytes");
            }
        }
        double bandwidth = gigabytesPerSecond.getAsDouble();
        return new Estimate(
                OptionalDouble.of(bandwidth * GIGA / demand.weightBytes()),
                String.format(
                        Locale.ROOT,
                        "at most: every weight is read once a token, at the %.1f GB/s of this machine's memory",
                        bandwidth));
    }

    private Estimate quality(VariantOrder order, List<Slot> siblings) {
        Optional<String> recipe = order.variant().recipe().map(Recipe::name);
        for (Slot sibling : siblings) {
            boolean alike = lifecycle
                    .order(sibling.name())
                    .filter(other -> other.variant().recipe().map(Recipe::name).equals(recipe))
                    .isPresent();
            OptionalDouble measured =
                    sibling.measured().map(found -> found.quality()).orElseGet(OptionalDouble::empty);
            if (alike && measured.isPresent()) {
                return new Estimate(measured, "measured of `" + sibling.name() + "`, of the same model and recipe");
            }
        }
        return new Estimate(
                OptionalDouble.empty(), "no variant of this model and recipe has been measured by this process");
    }
}
