package dev.trimtab.variant.life;

import dev.trimtab.api.FakeVariant;
import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.Variant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;

/// Makes [FakeVariant]s of 100 bytes each, unless told otherwise, and keeps what happened.
public final class FakeFactory implements VariantFactory {
    public static final long BYTES = 100;

    private final List<String> events = new CopyOnWriteArrayList<>();
    private final Map<String, FakeVariant> held = new ConcurrentHashMap<>();
    private volatile UnaryOperator<MemoryPlan.Demand> demands = UnaryOperator.identity();
    private volatile Runnable beforeLoad = () -> {};

    /// From now on loads want what `change` makes of the usual demand.
    public FakeFactory demanding(UnaryOperator<MemoryPlan.Demand> change) {
        demands = change;
        return this;
    }

    /// From now on `task` is run in the middle of each load; what it throws ends the load.
    public FakeFactory during(Runnable task) {
        beforeLoad = task;
        return this;
    }

    /// `load x` and `unload x`, in order.
    public List<String> events() {
        return events;
    }

    /// The one of that name that was loaded and not unloaded.
    public FakeVariant held(String name) {
        return Objects.requireNonNull(held.get(name), name);
    }

    /// What was loaded and not unloaded.
    public Map<String, FakeVariant> held() {
        return held;
    }

    @Override
    public MemoryPlan.Demand demand(VariantOrder order) {
        return demands.apply(new MemoryPlan.Demand(order.name(), BYTES - 10, 10, 1, 4, 8));
    }

    @Override
    public Variant load(VariantOrder order, LoadListener progress) {
        progress.packed(1, 2);
        beforeLoad.run();
        FakeVariant variant = new FakeVariant(order.name());
        held.put(order.name(), variant);
        events.add("load " + order.name());
        return variant;
    }

    @Override
    public void unload(Variant variant) {
        held.remove(variant.name());
        events.add("unload " + variant.name());
    }
}
