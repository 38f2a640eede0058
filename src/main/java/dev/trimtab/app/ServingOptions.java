package dev.trimtab.app;

import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.life.VariantLifecycle;
import java.util.List;
import java.util.OptionalLong;

/// What one process serves and with what, free of where it was configured (file, environment, command line,
/// test).
///
/// @param threads of the compute pool
/// @param kvCacheBytes of the KV pool; empty lets the memory plan decide
/// @param hub where `hf:` sources come from
/// @param lifecycle how variants come and go while others serve
public record ServingOptions(
        List<ModelDeclaration> models,
        VariantLoader.Options variants,
        int threads,
        OptionalLong kvCacheBytes,
        HubOptions hub,
        Lifecycle lifecycle) {
    /// How variants come and go while others serve.
    ///
    /// @param root below which their files may be named
    /// @param bytesMax for weights and scratch of all of them; empty takes what the machine has beside the KV
    ///     pool
    public record Lifecycle(ModelRoot root, OptionalLong bytesMax, VariantLifecycle.Options options, Measure measure) {
        /// No files, all memory, nothing measured: who serves one question is gone before that is done.
        public static final Lifecycle DEFAULTS =
                new Lifecycle(ModelRoot.NONE, OptionalLong.empty(), VariantLifecycle.Options.DEFAULTS, Measure.OFF);
    }

    /// Whether fresh variants are measured.
    public enum Measure {
        /// While they serve.
        BACKGROUND,
        /// They stay unmeasured, whatever gates their recipes have.
        OFF
    }

    public ServingOptions {
        models = List.copyOf(models);
    }

    /// `models` with every default: what the commands other than `serve` use.
    public static ServingOptions of(List<ModelDeclaration> models, HubOptions hub) {
        return new ServingOptions(
                models,
                new VariantLoader.Options(ModelLoader.Options.SERVING, EngineOptions.DEFAULT),
                ComputePool.defaultThreads(),
                OptionalLong.empty(),
                hub,
                Lifecycle.DEFAULTS);
    }
}
