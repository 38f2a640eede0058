package dev.trimtab.variant.life;

import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.Variant;

/// Makes variants and lets go of them: what [VariantLifecycle] asks of the process around it.
public interface VariantFactory {
    /// What a variant would take, without loading a weight.
    ///
    /// @throws dev.trimtab.error.TrimtabException when it could not be loaded
    MemoryPlan.Demand demand(VariantOrder order);

    /// Loads it. When this throws, nothing is held.
    ///
    /// @throws dev.trimtab.error.TrimtabException when it cannot be loaded
    Variant load(VariantOrder order, LoadListener progress);

    /// `variant`, which `order` made, is in the registry and serves.
    default void served(VariantOrder order, Variant variant) {}

    /// Fails what still runs on `variant` and frees all that only it holds. It must not be used afterwards.
    void unload(Variant variant);
}
