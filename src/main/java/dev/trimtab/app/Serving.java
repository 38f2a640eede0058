package dev.trimtab.app;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.hub.Hub;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineLoop;
import dev.trimtab.engine.KvPool;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.MachineMemory;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.VariantRegistry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/// The running core: kernels, memory, engine loop and the variants on it. Everything that serves tokens in a
/// process hangs here, with or without HTTP; owner of all of it.
public final class Serving implements AutoCloseable {
    private final VariantRegistry registry;
    private final ComputePool pool;
    private final Kernels kernels;
    private final MemoryPlan memoryPlan;
    private final KvPool kvPool;
    private final EngineLoop loop = new EngineLoop();
    private final VariantLoader loader;

    private Serving(
            ServingOptions options,
            VariantRegistry registry,
            Function<String, EngineListener> listeners,
            MemoryPlan memoryPlan) {
        this.registry = registry;
        this.memoryPlan = memoryPlan;
        this.pool = new ComputePool(options.threads());
        this.kernels = Kernels.best(pool);
        this.kvPool = new KvPool(memoryPlan.kvBytes(), memoryPlan.kvExtentBytes());
        this.loader = new VariantLoader(kernels, loop, kvPool, options.variants(), listeners);
    }

    /// Plans memory for all declared models, loads them in order and adds them to `registry`.
    ///
    /// @throws dev.trimtab.error.TrimtabException when one cannot be served; then nothing is
    public static Serving start(
            ServingOptions options,
            VariantRegistry registry,
            Function<String, EngineListener> listeners,
            LoadListener progress) {
        refuseTwins(options.models());
        Map<ModelSource, Checkpoint> checkpoints = new LinkedHashMap<>();
        try {
            Hub hub = new Hub(options.hub(), progress::packed);
            options.models().forEach(model -> checkpoints.computeIfAbsent(model.source(), from -> from.open(hub)));
            Serving serving = new Serving(options, registry, listeners, plan(options, checkpoints));
            boolean started = false;
            registry.beginLoading();
            try {
                for (ModelDeclaration model : options.models()) {
                    serving.load(model, Objects.requireNonNull(checkpoints.get(model.source())), progress);
                }
                started = true;
                return serving;
            } finally {
                registry.endLoading();
                if (!started) {
                    serving.close();
                }
            }
        } finally {
            checkpoints.values().forEach(Checkpoint::close);
        }
    }

    private void load(ModelDeclaration model, Checkpoint checkpoint, LoadListener progress) {
        for (VariantDeclaration variant : model.variants()) {
            registry.add(checkpoint.reading(() -> loader.load(model.backend(), variant, checkpoint, progress)));
        }
        if (model.variants().stream().noneMatch(variant -> variant.name().equals(model.name()))) {
            registry.alias(
                    model.name(), registry.get(model.variants().getFirst().name()));
        }
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

    private static MemoryPlan plan(ServingOptions options, Map<ModelSource, Checkpoint> checkpoints) {
        List<MemoryPlan.Demand> demands = new ArrayList<>();
        for (ModelDeclaration model : options.models()) {
            Checkpoint checkpoint = Objects.requireNonNull(checkpoints.get(model.source()));
            for (VariantDeclaration variant : model.variants()) {
                demands.add(VariantLoader.demand(model.backend(), variant, checkpoint, options.variants()));
            }
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

    public MemoryPlan memoryPlan() {
        return memoryPlan;
    }

    /// Lets every variant go, then frees what they shared.
    @Override
    public void close() {
        for (Variant variant : registry.list()) {
            registry.remove(variant.name());
            loader.unload(variant);
        }
        loop.close();
        kvPool.close();
        pool.close();
    }
}
