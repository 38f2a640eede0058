package dev.trimtab.variant;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.engine.Engine;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineLoop;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.engine.KvPool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelConfig;
import dev.trimtab.model.ModelLoader;
import java.time.Clock;
import java.util.function.Function;

/// Loads local variants and lets them go: checkpoint to model to engine to the engine loop, and back in
/// reverse.
public final class VariantLoader {
    /// How every local variant of the process is held and batched.
    public record Options(ModelLoader.Options model, EngineOptions engine) {
        Model.Capacity capacity() {
            return new Model.Capacity(engine.maxBatchedTokens(), engine.maxSequences());
        }
    }

    private final Kernels kernels;
    private final EngineLoop loop;
    private final KvPool kvPool;
    private final Options options;
    private final Function<String, EngineListener> listeners;

    /// `listeners` gives each variant's name the one that hears its engine.
    public VariantLoader(
            Kernels kernels,
            EngineLoop loop,
            KvPool kvPool,
            Options options,
            Function<String, EngineListener> listeners) {
        this.kernels = kernels;
        this.loop = loop;
        this.kvPool = kvPool;
        this.options = options;
        this.listeners = listeners;
    }

    /// What `checkpoint` would take, from its metadata and tensor sizes alone.
    public static MemoryPlan.Demand demand(String name, Checkpoint checkpoint, Options options) {
        ModelConfig config = ModelLoader.configOf(checkpoint);
        KvLayout kv = new KvLayout(options.model().kvEncoding(), config.headDim(), config.keyValueHeads());
        long blocks = Math.ceilDiv(config.maxPositionEmbeddings(), KvLayout.BLOCK_TOKENS);
        long sequenceBytes = blocks * kv.blockBytes();
        return new MemoryPlan.Demand(
                name,
                ModelLoader.packedBytes(checkpoint, options.model()),
                Model.scratchBytes(config, options.capacity()),
                kv.blockBytes(),
                sequenceBytes,
                sequenceBytes * options.engine().maxSequences());
    }

    /// Packs `checkpoint` and serves it as `name`; it may be closed afterwards.
    public Variant load(String name, Checkpoint checkpoint, LoadListener listener) {
        LoadedCheckpoint loaded = LoadedCheckpoint.load(
                checkpoint, new LoadedCheckpoint.Request(kernels, options.model(), options.capacity()), listener);
        loop.call(() -> WarmUp.run(loaded.model(), System::nanoTime));
        Engine engine = new Engine(
                options.engine(),
                loaded.model(),
                loaded.tokenizer(),
                new Engine.Surroundings(kvPool, listeners.apply(name), System::nanoTime));
        loop.add(engine);
        return new LocalVariant(name, Clock.systemUTC().instant().getEpochSecond(), loaded, engine);
    }

    /// Stops the variant's engine, failing what still runs, and frees its memory.
    public void unload(Variant variant) {
        if (variant instanceof LocalVariant local) {
            loop.remove(local.engine());
            local.model().close();
        }
    }
}
