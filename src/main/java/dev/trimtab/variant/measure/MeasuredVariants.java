package dev.trimtab.variant.measure;

import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.life.VariantFactory;
import dev.trimtab.variant.life.VariantOrder;

/// Variants that are measured once they serve, or were when their lock was written. Those of other backends are
/// not, for they run in loops of their own and nothing is known of their base: they stay unmeasured.
public final class MeasuredVariants implements VariantFactory {
    private final VariantFactory factory;
    private final BackgroundMeasuring measuring;

    /// Those of `factory`.
    public MeasuredVariants(VariantFactory factory, BackgroundMeasuring measuring) {
        this.factory = factory;
        this.measuring = measuring;
    }

    /// @throws dev.trimtab.error.BadConfiguration also for gates and texts that are none: before the load, not after
    @Override
    public MemoryPlan.Demand demand(VariantOrder order) {
        Evaluation.of(order.variant().recipe());
        return factory.demand(order);
    }

    @Override
    public Variant load(VariantOrder order, LoadListener progress) {
        return factory.load(order, progress);
    }

    @Override
    public void served(VariantOrder order, Variant variant) {
        if (order.backend() == Backend.TRIMTAB) {
            LockedFigures.of(order)
                    .ifPresentOrElse(found -> measuring.found(order, found), () -> measuring.begin(order, variant));
        }
    }

    @Override
    public void unload(Variant variant) {
        measuring.cancel(variant.name());
        factory.unload(variant);
    }
}
