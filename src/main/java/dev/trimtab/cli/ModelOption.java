package dev.trimtab.cli;

import dev.trimtab.app.Serving;
import dev.trimtab.app.ServingOptions;
import dev.trimtab.app.TrimtabConfig;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.hub.Hub;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantRegistry;
import java.util.List;
import picocli.CommandLine.Option;

/// `--model`, shared by the commands that load one.
final class ModelOption {
    @Option(
            names = "--model",
            paramLabel = "FILE|DIR|hf:ORG/NAME",
            defaultValue = "embedded:demo",
            description = "Checkpoint to load; default: the embedded demo model.")
    private String model = "embedded:demo";

    ModelSource source() {
        return ModelSource.parse(model);
    }

    /// Opens it, fetched first where it comes from a hub.
    Checkpoint open() {
        return open(source());
    }

    static Checkpoint open(ModelSource source) {
        try (ProgressBar progress = new ProgressBar("fetching " + source)) {
            return source.open(new Hub(TrimtabConfig.ofProcess().hubOptions(), progress::bytes));
        }
    }

    /// Loads it as the only variant of a core without HTTP, compressed where `recipe` says how.
    Serving start(RecipeOption recipe) {
        ModelSource source = source();
        VariantDeclaration variant =
                new VariantDeclaration(source.defaultName(), recipe.recipe()).locked(recipe.lock());
        ModelDeclaration declaration = new ModelDeclaration(variant.name(), source, Backend.TRIMTAB, List.of(variant));
        try (ProgressBar progress = new ProgressBar("loading " + source)) {
            return Serving.start(
                    ServingOptions.of(
                            List.of(declaration), TrimtabConfig.ofProcess().hubOptions()),
                    new VariantRegistry(),
                    _ -> EngineListener.NONE,
                    progress::bytes);
        }
    }
}
