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
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.VariantRegistry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

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
        List<Checkpoint> checkpoints = new ArrayList<>();
        try {
            Hub hub = new Hub(options.hub(), progress::packed);
            options.models().forEach(model -> checkpoints.add(model.source().open(hub)));
            Serving serving = new Serving(options, registry, listeners, plan(options, checkpoints));
            boolean started = false;
            try {
                for (int i = 0; i < checkpoints.size(); i++) {
                    ModelDeclaration model = options.models().get(i);
                    Checkpoint checkpoint = checkpoints.get(i);
                    registry.add(checkpoint.reading(() -> serving.loader.load(model, checkpoint, progress)));
                }
                started = true;
                return serving;
            } finally {
                if (!started) {
                    serving.close();
                }
            }
        } finally {
            checkpoints.forEach(Checkpoint::close);
        }
    }

    private static void refuseTwins(List<ModelDeclaration> models) {
        Set<String> names = new HashSet<>();
        for (ModelDeclaration model : models) {
            if (!names.add(model.name())) {
                throw new BadConfiguration("two models are named `" + model.name() + "`");
            }
        }
    }

    private static MemoryPlan plan(ServingOptions options, List<Checkpoint> checkpoints) {
        List<MemoryPlan.Demand> demands = new ArrayList<>();
        for (int i = 0; i < checkpoints.size(); i++) {
            demands.add(VariantLoader.demand(options.models().get(i), checkpoints.get(i), options.variants()));
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
