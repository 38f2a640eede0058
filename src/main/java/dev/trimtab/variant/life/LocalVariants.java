package dev.trimtab.variant.life;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantLoader;
import java.util.concurrent.atomic.AtomicReference;

/// Variants that this process computes.
public final class LocalVariants implements VariantFactory {
    private final VariantLoader loader;
    private final Sources sources;

    public LocalVariants(VariantLoader loader, Sources sources) {
        this.loader = loader;
        this.sources = sources;
    }

    @Override
    public MemoryPlan.Demand demand(VariantOrder order) {
        try (Checkpoint checkpoint = sources.open(order.source())) {
            return checkpoint.reading(() -> loader.demand(order.backend(), order.variant(), checkpoint));
        }
    }

    @Override
    public Variant load(VariantOrder order, LoadListener progress) {
        AtomicReference<Variant> made = new AtomicReference<>();
        try (Checkpoint checkpoint = sources.open(order.source())) {
            return checkpoint.reading(() -> {
                made.set(loader.load(order.backend(), order.variant(), checkpoint, progress));
                return made.get();
            });
        } catch (RuntimeException | Error e) {
            // The file changed while it was read: what was made of it is not used.
            Variant unusable = made.get();
            if (unusable != null) {
                loader.unload(unusable);
            }
            throw e;
        }
    }

    @Override
    public void unload(Variant variant) {
        loader.unload(variant);
    }
}
