package dev.trimtab.cli;

import dev.trimtab.app.TrimtabConfig;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.cache.CachedForms;
import dev.trimtab.compress.export.ExportProgress;
import dev.trimtab.compress.export.ExportReport;
import dev.trimtab.compress.export.FolderExport;
import dev.trimtab.compress.export.GgufExport;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.calibration.ModelCalibration;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.RecipeLoader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `trimtab compress`: writes what a recipe makes of a checkpoint, for llama.cpp, Hugging Face's libraries and later
/// loads.
@Command(
        name = "compress",
        description = "Writes what a recipe makes of a checkpoint: a GGUF file, or a folder of safetensors.",
        mixinStandardHelpOptions = true)
final class CompressCommand implements Callable<Integer> {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(
            names = "--recipe",
            paramLabel = "FILE|SCHEME",
            required = true,
            description = "What to make of the weights: a recipe, or int8, int4, q4_k_m and the like.")
    private String recipe = "";

    @Mixin
    private final LockOption lock = new LockOption();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "OUT.gguf|DIR",
            required = true,
            description = "A name that ends in .gguf is a GGUF file; any other a folder as Hugging Face has it.")
    private Path output = Path.of("");

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        checkOutput();
        try (Checkpoint checkpoint = model.open();
                ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            print(export(checkpoint, pool), spec.commandLine().getOut());
            return 0;
        }
    }

    /// A checkpoint must not be lost to what was made of it.
    private void checkOutput() throws IOException {
        Path folder = output.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw InvalidRequest.of("-o " + output + ": there is no folder " + folder);
        }
        boolean isInput = model.source() instanceof ModelSource.Local(Path input)
                && Files.exists(output)
                && Files.exists(input)
                && Files.isSameFile(input, output);
        if (isInput) {
            throw InvalidRequest.of("-o " + output + ": that is the checkpoint itself; another name expected");
        }
    }

    private ExportReport export(Checkpoint checkpoint, ComputePool pool) {
        Recipe parsed = RecipeOption.parse(recipe);
        Path cache = TrimtabConfig.ofProcess().hubOptions().cache();
        RecipeLoader loader = new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.of(cache));
        var request = new RecipeLoader.Request(checkpoint, parsed, ModelLoader.Options.EXACT, ModelCalibration.CAPACITY)
                .locked(lock.file());
        try (ProgressBar progress = new ProgressBar("writing " + output)) {
            return checkpoint.reading(() ->
                    loader.compressed(request, Compression.Progress.NONE, made -> write(made, pool, progress::parts)));
        }
    }

    private ExportReport write(CachedForms made, ComputePool pool, ExportProgress progress) {
        boolean isFile = output.toString().toLowerCase(Locale.ROOT).endsWith(".gguf");
        return isFile
                ? GgufExport.write(made, pool, output, progress)
                : FolderExport.write(made, pool, source(), output, progress);
    }

    private Optional<Path> source() {
        return model.source() instanceof ModelSource.Local(Path input) && Files.isDirectory(input)
                ? Optional.of(input)
                : Optional.empty();
    }

    private static void print(ExportReport report, PrintWriter out) {
        report.encodings().forEach((note, count) -> out.printf(Locale.ROOT, "%5d tensors: %s%n", count, note));
        report.remarks().forEach(out::println);
        report.files().forEach(out::println);
        out.println(MemoryPlan.readable(report.sizeBytes()));
        out.flush();
    }
}
