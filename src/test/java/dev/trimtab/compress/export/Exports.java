package dev.trimtab.compress.export;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.cache.CachedForms;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.ModelRun;
import dev.trimtab.quality.calibration.ModelCalibration;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import dev.trimtab.variant.RecipeLoader;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/// Exports of a checkpoint, and what they are to equal.
public record Exports(Path model, String recipe) {
    static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    static final String PROMPT = "<|im_start|>user\nWhat is the capital of Norway?<|im_end|>\n<|im_start|>assistant\n";

    <T> T compressed(Function<Compression, T> use) {
        try (ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            return compressed(pool, made -> use.apply(made.compression()));
        }
    }

    private <T> T compressed(ComputePool pool, Function<CachedForms, T> use) {
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            var loader = new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.empty());
            var request = new RecipeLoader.Request(
                    checkpoint,
                    Recipe.parse("recipe.yaml", recipe),
                    ModelLoader.Options.EXACT,
                    ModelCalibration.CAPACITY);
            return checkpoint.reading(() -> loader.compressed(request, Compression.Progress.NONE, use));
        }
    }

    public ExportReport gguf(Path file) {
        try (ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            return compressed(pool, made -> GgufExport.write(made, pool, file, ExportProgress.NONE));
        }
    }

    ExportReport folder(Optional<Path> source, Path folder) {
        try (ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            return compressed(pool, made -> FolderExport.write(made, pool, source, folder, ExportProgress.NONE));
        }
    }

    /// Logits after the prompt of the variant as it is served, without a file.
    float[] served(ModelLoader.Options options, int... ids) {
        return compressed(made -> {
            var formats = new ModelLoader.Options(
                    name -> made.plan().format(made.sourceName(name)), options.precision(), options.kv());
            try (ModelRun run = ModelRun.of(made, formats)) {
                return run.logitsAfter(ids);
            }
        });
    }

    static float[] loaded(Path file, ModelLoader.Options options, int... ids) {
        try (ModelRun run = ModelRun.of(file, options)) {
            return run.logitsAfter(ids);
        }
    }

    static int[] prompt() {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            return Tokenizer.of(checkpoint.metadata()).encodePrompt(PROMPT, ControlTokens.PARSE);
        }
    }
}
