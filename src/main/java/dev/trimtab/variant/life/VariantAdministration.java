package dev.trimtab.variant.life;

import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.VariantRegistry.Slot;
import java.util.List;
import java.util.function.DoubleSupplier;

/// What an operator can do to variants while they serve.
public final class VariantAdministration {
    private final VariantRegistry registry;
    private final VariantLifecycle lifecycle;
    private final VariantCatalog catalog;
    private final Predictor predictor;

    /// `gigabytesPerSecond` is what the machine reads memory at; asked for only where a prediction needs it.
    public VariantAdministration(
            VariantRegistry registry,
            VariantLifecycle lifecycle,
            VariantFactory factory,
            VariantCatalog catalog,
            DoubleSupplier gigabytesPerSecond) {
        this.registry = registry;
        this.lifecycle = lifecycle;
        this.catalog = catalog;
        this.predictor = new Predictor(registry, lifecycle, factory, gigabytesPerSecond);
    }

    /// Queues the load of what `request` asks for; see [VariantLifecycle#load] and [VariantCatalog#order].
    public Ticket load(VariantRequest request) {
        return lifecycle.load(catalog.order(request));
    }

    /// What that load would give.
    public Prediction predict(VariantRequest request) {
        return predictor.predict(catalog.order(request));
    }

    /// See [VariantLifecycle#unload].
    public Ticket unload(String name) {
        return lifecycle.unload(name);
    }

    /// Every variant, in whatever state, in the order they came.
    public List<VariantReport> list() {
        return registry.slots().stream().map(this::report).toList();
    }

    /// @throws dev.trimtab.error.NotFound when there is no such variant
    public VariantReport get(String name) {
        return report(registry.slot(name));
    }

    /// What variants take and may take.
    public MemoryBudget budget() {
        return lifecycle.budget();
    }

    /// Packed weights of all variants, those that two share counted twice as in the budget.
    public long weightBytes() {
        return registry.slots().stream()
                .flatMap(slot -> slot.variant().stream())
                .map(Variant::weightBytes)
                .mapToLong(bytes -> bytes.own() + bytes.shared())
                .sum();
    }

    private VariantReport report(Slot slot) {
        return new VariantReport(
                slot,
                lifecycle.budget().takenBytes(slot.name()),
                lifecycle.isPinned(slot.name()),
                registry.isDefault(slot.name()));
    }
}
