package dev.trimtab.app;

import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.VariantLoader;
import java.util.List;
import java.util.OptionalLong;

/// What one process serves and with what, free of where it was configured (file, environment, command line,
/// test).
///
/// @param threads of the compute pool
/// @param kvCacheBytes of the KV pool; empty lets the memory plan decide
/// @param hub where `hf:` sources come from
public record ServingOptions(
        List<ModelDeclaration> models,
        VariantLoader.Options variants,
        int threads,
        OptionalLong kvCacheBytes,
        HubOptions hub) {
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
                hub);
    }
}
