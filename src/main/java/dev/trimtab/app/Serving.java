package dev.trimtab.app;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.hub.Hub;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineLoop;
import dev.trimtab.engine.KvPool;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.KernelProbe;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.variant.MachineMemory;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.RecipeLoader;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.life.LifecycleListener;
import dev.trimtab.variant.life.LocalVariants;
import dev.trimtab.variant.life.MemoryBudget;
import dev.trimtab.variant.life.Sources;
import dev.trimtab.variant.life.Ticket;
import dev.trimtab.variant.life.VariantAdministration;
import dev.trimtab.variant.life.VariantCatalog;
import dev.trimtab.variant.life.VariantFactory;
import dev.trimtab.variant.life.VariantLifecycle;
import dev.trimtab.variant.life.VariantOrder;
import dev.trimtab.variant.measure.BackgroundMeasuring;
import dev.trimtab.variant.measure.CheckpointExamination;
import dev.trimtab.variant.measure.MeasuredVariants;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/// The running core: kernels, memory, engine loop and the variants on it. Everything that serves tokens in a
/// process hangs here, with or without HTTP; owner of all of it.
public final class Serving implements AutoCloseable {
    /// Passes over memory of which the median counts: enough on a machine that serves meanwhile.
    private static final int BANDWIDTH_ROUNDS = 5;

    private final VariantRegistry registry;
    private final ComputePool pool;
    private final Kernels kernels;
    private final MemoryPlan memoryPlan;
    private final KvPool kvPool;
    private final EngineLoop loop = new EngineLoop();
    private final VariantLoader loader;
    private final BackgroundMeasuring measuring;
    private final VariantLifecycle lifecycle;
    private final VariantAdministration administration;
    private double bandwidth;

    /// Who hears what while a process serves.
    ///
    /// @param engines gives each variant's name the one that hears its engine
    /// @param lifecycle hears variants come and go
    /// @param administration gets what variants can be changed with, once there is a plan
    /// @param progress hears how far what was declared has been loaded
    public record Listeners(
            Function<String, EngineListener> engines,
            LifecycleListener lifecycle,
            Consumer<VariantAdministration> administration,
            LoadListener progress) {}

    private Serving(
            ServingOptions options,
            VariantRegistry registry,
            Sources sources,
            Listeners listeners,
            MemoryPlan memoryPlan) {
        this.registry = registry;
        this.memoryPlan = memoryPlan;
        this.pool = new ComputePool(options.threads());
        this.kernels = Kernels.best(pool);
        this.kvPool = new KvPool(memoryPlan.kvBytes(), memoryPlan.kvExtentBytes());
        MemoryBudget budget = new MemoryBudget(
                options.lifecycle().bytesMax().orElse(memoryPlan.variantBytes()),
                memoryPlan,
                MachineMemory::availableBytes);
        this.loader = new VariantLoader(
                new RecipeLoader(
                        new ModelLoader.Packing(kernels),
                        pool,
                        Optional.of(options.hub().cache())),
                loop,
                kvPool,
                options.variants(),
                budget::freeBytes,
                listeners.engines());
        this.measuring = new BackgroundMeasuring(
                registry,
                loop,
                new CheckpointExamination(
                        loader, sources, budget, options.hub().cache().resolve("measure"), System::nanoTime));
        VariantFactory local = new LocalVariants(loader, sources);
        VariantFactory factory = switch (options.lifecycle().measure()) {
            case BACKGROUND -> new MeasuredVariants(local, measuring);
            case OFF -> local;
        };
        this.lifecycle = new VariantLifecycle(
                registry, factory, budget, options.lifecycle().options(), listeners.lifecycle());
        this.administration = new VariantAdministration(
                registry,
                lifecycle,
                factory,
                new VariantCatalog(options.models(), options.lifecycle().root()),
                this::gigabytesPerSecond);
    }

    /// Plans memory for all declared models, loads them in order and adds them to `registry`.
    ///
    /// @throws dev.trimtab.error.TrimtabException when one cannot be served; then nothing is
    public static Serving start(
            ServingOptions options,
            VariantRegistry registry,
            Function<String, EngineListener> listeners,
            LoadListener progress) {
        return start(options, registry, new Listeners(listeners, LifecycleListener.NONE, _ -> {}, progress));
    }

    /// The same, with everybody who wants to hear of it.
    public static Serving start(ServingOptions options, VariantRegistry registry, Listeners listeners) {
        refuseTwins(options.models());
        Sources sources = new Sources(new Hub(options.hub(), listeners.progress()::packed));
        Serving serving = new Serving(options, registry, sources, listeners, plan(options, sources));
        boolean started = false;
        registry.beginLoading();
        try {
            listeners.administration().accept(serving.administration);
            for (ModelDeclaration model : options.models()) {
                serving.load(model, listeners.progress());
            }
            started = true;
            serving.measuring.start();
            return serving;
        } finally {
            registry.endLoading();
            if (!started) {
                serving.close();
            }
        }
    }

    private void load(ModelDeclaration model, LoadListener progress) {
        for (VariantDeclaration variant : model.variants()) {
            Ticket ticket = lifecycle.load(VariantOrder.of(model, variant));
            ticket.progress().tell(progress);
            ticket.await();
            boolean first = variant.equals(model.variants().getFirst());
            if (first
                    && model.variants().stream().noneMatch(other -> other.name().equals(model.name()))) {
                registry.alias(model.name(), registry.get(variant.name()));
            }
        }
    }

    private synchronized double gigabytesPerSecond() {
        if (bandwidth == 0) {
            bandwidth = new KernelProbe(pool).readGigabytesPerSecond(BANDWIDTH_ROUNDS);
        }
        return bandwidth;
    }

    private static void refuseTwins(List<ModelDeclaration> models) {
        Set<String> names = new HashSet<>();
        for (ModelDeclaration model : models) {
            Stream<String> variants = model.variants().stream().map(VariantDeclaration::name);
            variants.filter(name -> !names.add(name)).findFirst().ifPresent(Serving::refuseTwin);
            boolean isVariant =
                    model.variants().stream().anyMatch(variant -> variant.name().equals(model.name()));
            if (!isVariant && !names.add(model.name())) {
                refuseTwin(model.name());
            }
        }
    }

    private static void refuseTwin(String name) {
        throw new BadConfiguration("two models are named `" + name + "`");
    }

    private static MemoryPlan plan(ServingOptions options, Sources sources) {
        List<MemoryPlan.Demand> demands = new ArrayList<>();
        Map<ModelSource, Checkpoint> checkpoints = new LinkedHashMap<>();
        try {
            for (ModelDeclaration model : options.models()) {
                Checkpoint checkpoint = checkpoints.computeIfAbsent(model.source(), sources::open);
                for (VariantDeclaration variant : model.variants()) {
                    demands.add(VariantLoader.demand(model.backend(), variant, checkpoint, options.variants()));
                }
            }
        } finally {
            checkpoints.values().forEach(Checkpoint::close);
        }
        return MemoryPlan.of(MachineMemory.availableBytes(), demands, options.kvCacheBytes());
    }

    public VariantRegistry registry() {
        return registry;
    }

    public Kernels kernels() {
        return kernels;
    }

    public int threads() {
        return pool.threads();
    }

    /// Packed weights of all variants, those that several use once.
    public long weightBytes() {
        return loader.weightBytes();
    }

    /// What variants can be changed with.
    public VariantAdministration administration() {
        return administration;
    }

    public MemoryPlan memoryPlan() {
        return memoryPlan;
    }

    /// Lets every variant go, then frees what they shared.
    @Override
    public void close() {
        measuring.close();
        lifecycle.close();
        loop.close();
        kvPool.close();
        pool.close();
    }
}
