package dev.trimtab.variant;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.engine.Engine;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineLoop;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.engine.KvPool;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelConfig;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.variant.adapter.DeclaredAdapters;
import dev.trimtab.variant.adapter.LocalAdapters;
import dev.trimtab.variant.llamacpp.LlamaBackend;
import dev.trimtab.variant.llamacpp.LlamaForwardPass;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// Loads local variants and lets them go: checkpoint to model to engine to the engine loop, and back in
/// reverse.
public final class VariantLoader {
    /// How every local variant of the process is held and batched.
    public record Options(ModelLoader.Options model, EngineOptions engine, LlamaBackend.Options llamaCpp) {
        /// With llama.cpp, should a model name it, from the class path.
        public Options(ModelLoader.Options model, EngineOptions engine) {
            this(model, engine, new LlamaBackend.Options(Optional.empty(), ComputePool.defaultThreads()));
        }

        Model.Capacity capacity() {
            return new Model.Capacity(engine.maxBatchedTokens(), engine.maxSequences());
        }
    }

    /// A share of the process's KV pool that stands for none: the pool cannot be empty.
    private static final long SMALLEST_POOL_BYTES = 64;

    private final RecipeLoader loader;
    private final EngineLoop loop;
    private final KvPool kvPool;
    private final Options options;
    private final LongSupplier freeBytes;
    private final Function<String, EngineListener> listeners;
    private final LlamaBackend llamaCpp;

    /// `loader` makes models, all of which share its store; `freeBytes` is what their adapters may take at the moment;
    /// `listeners` gives each variant's name the one that hears its engine.
    public VariantLoader(
            RecipeLoader loader,
            EngineLoop loop,
            KvPool kvPool,
            Options options,
            LongSupplier freeBytes,
            Function<String, EngineListener> listeners) {
        this.loader = loader;
        this.loop = loop;
        this.kvPool = kvPool;
        this.options = options;
        this.freeBytes = freeBytes;
        this.listeners = listeners;
        this.llamaCpp = new LlamaBackend(options.llamaCpp());
    }

    /// Packed weights of all variants loaded here, those that several use once.
    public long weightBytes() {
        return loader.packing().store().sizeBytes();
    }

    /// What a variant of `checkpoint` would take, from its metadata and tensor sizes alone.
    public MemoryPlan.Demand demand(Backend backend, VariantDeclaration variant, Checkpoint checkpoint) {
        return demand(backend, variant, checkpoint, options);
    }

    /// The same, before there is a loader.
    public static MemoryPlan.Demand demand(
            Backend backend, VariantDeclaration variant, Checkpoint checkpoint, Options options) {
        return switch (backend) {
            case TRIMTAB -> demand(variant, checkpoint, options);
            case LLAMA_CPP ->
                new MemoryPlan.Demand(
                        variant.name(),
                        LoadedCheckpoint.storedBytes(checkpoint),
                        LlamaBackend.kvBytes(checkpoint.metadata(), options.engine()),
                        SMALLEST_POOL_BYTES,
                        SMALLEST_POOL_BYTES,
                        SMALLEST_POOL_BYTES);
        };
    }

    private static MemoryPlan.Demand demand(VariantDeclaration variant, Checkpoint checkpoint, Options options) {
        ModelConfig config = ModelLoader.configOf(checkpoint);
        KvEncodings encodings =
                variant.recipe().flatMap(Recipe::kv).orElse(options.model().kv());
        KvLayout kv = new KvLayout(encodings, config.headDim(), config.keyValueHeads());
        long blocks = Math.ceilDiv(config.maxPositionEmbeddings(), KvLayout.BLOCK_TOKENS);
        long sequenceBytes = blocks * kv.blockBytes();
        return new MemoryPlan.Demand(
                variant.name(),
                variant.recipe()
                        .map(recipe -> RecipeLoader.plan(recipe, checkpoint, variant.lock())
                                .bytes())
                        .orElseGet(() -> ModelLoader.packedBytes(checkpoint, options.model())),
                Model.scratchBytes(config, options.capacity()),
                new DeclaredAdapters(variant.adapters()).demandBytes(checkpoint),
                kv.blockBytes(),
                sequenceBytes,
                sequenceBytes * options.engine().maxSequences());
    }

    /// Loads `checkpoint` and serves it as `declared`; it may be closed afterwards.
    public Variant load(Backend backend, VariantDeclaration declared, Checkpoint checkpoint, LoadListener listener) {
        return switch (backend) {
            case TRIMTAB -> load(declared, checkpoint, listener);
            case LLAMA_CPP -> loadLlama(declared.name(), checkpoint);
        };
    }

    private Variant load(VariantDeclaration declared, Checkpoint checkpoint, LoadListener listener) {
        LoadedCheckpoint<Model> loaded = LoadedCheckpoint.load(
                checkpoint,
                new LoadedCheckpoint.Request(loader, declared, options.model(), options.capacity()),
                listener);
        Model model = loaded.model();
        Home home = new Home(options.engine(), kvPool, loop);
        return servedOrFreed(model::close, () -> {
            WarmUp.run(model, System::nanoTime, loop::call);
            return serve(declared.name(), loaded, home, model::close);
        });
    }

    /// What `serve` makes; when it fails, `free` is run, for nobody else holds the model yet.
    private static Variant servedOrFreed(Runnable free, Supplier<Variant> serve) {
        try {
            return serve.get();
        } catch (RuntimeException | Error e) {
            free.run();
            throw e;
        }
    }

    /// llama.cpp's models have a loop of their own, whose steps take as long as they take without holding up
    /// ours, and a pool of their own, whose blocks stand for llama.cpp's cells. Prefixes are not shared:
    /// blocks tell llama.cpp's sequences apart.
    private Variant loadLlama(String name, Checkpoint checkpoint) {
        LoadedCheckpoint<LlamaForwardPass> loaded = LoadedCheckpoint.load(checkpoint, llamaCpp, options.engine());
        LlamaForwardPass model = loaded.model();
        KvPool cells = new KvPool(model.ticketBytes(), model.kvLayout().blockBytes());
        EngineLoop ownLoop = new EngineLoop();
        Runnable free = () -> {
            ownLoop.close();
            model.close();
            cells.close();
        };
        Home home = new Home(options.engine().withoutPrefixReuse(), cells, ownLoop);
        return servedOrFreed(free, () -> serve(name, loaded, home, free));
    }

    /// Where an engine lives.
    private record Home(EngineOptions options, KvPool kvPool, EngineLoop loop) {}

    private Variant serve(String name, LoadedCheckpoint<?> loaded, Home home, Runnable free) {
        Engine engine = new Engine(
                home.options(),
                loaded.model(),
                loaded.tokenizer(),
                new Engine.Surroundings(home.kvPool(), listeners.apply(name), System::nanoTime));
        home.loop().add(engine);
        LocalAdapters adapters = new LocalAdapters(loaded.model().adapters(), freeBytes);
        return new LocalVariant(name, loaded, engine, adapters, () -> {
            home.loop().remove(engine);
            free.run();
        });
    }

    /// The model of `variant`, for who reads text with it between the steps of the loop; empty where another backend
    /// computes it.
    public Optional<Model> model(Variant variant) {
        return variant instanceof LocalVariant local && local.model() instanceof Model ours
                ? Optional.of(ours)
                : Optional.empty();
    }

    /// The tokens of its checkpoint that `variant` has, where it lacks some.
    public Optional<KeptTokens> keptTokens(Variant variant) {
        return variant instanceof LocalVariant local ? local.keptTokens() : Optional.empty();
    }

    /// What variants of `checkpoint` are compared with: its weights as stored, computed exactly. The caller closes.
    public Model base(Checkpoint checkpoint, Model.Capacity capacity, LoadListener listener) {
        return ModelLoader.load(checkpoint, loader.packing(), ModelLoader.Options.EXACT, capacity, listener);
    }

    /// Stops the variant's engine, failing what still runs, and frees its memory.
    public void unload(Variant variant) {
        if (variant instanceof LocalVariant local) {
            local.release();
        }
    }
}
