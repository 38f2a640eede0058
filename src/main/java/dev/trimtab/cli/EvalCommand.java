package dev.trimtab.cli;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.WeightFormats;
import dev.trimtab.quality.Divergence;
import dev.trimtab.quality.DivergenceProbe;
import dev.trimtab.quality.TextWindows;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.PlannedOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `trimtab eval`: what packing costs in quality, as the KL divergence from the same checkpoint in f32.
@Command(
        name = "eval",
        description = "Measures how far packed weights and activations are from f32, on a text.",
        mixinStandardHelpOptions = true)
final class EvalCommand implements Callable<Integer> {
    private static final ModelLoader.Options EXACT = new ModelLoader.Options(
            WeightFormats.uniform(PackedFormat.F32), ActivationPrecision.FLOAT32, KvEncoding.F32);

    /// A text of which nobody would wait for more: at 1000 tokens a second an hour's worth.
    private static final long TEXT_BYTES_MAX = 16L << 20;

    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(
            names = "--recipe",
            split = ",",
            paramLabel = "FILE|SCHEME",
            defaultValue = "f16,int8,int4",
            description = "Recipes, or schemes such as q4_k_m; default: f16,int8,int4.")
    private String[] recipes = {};

    @Option(
            names = "--activations",
            split = ",",
            paramLabel = "PRECISION",
            defaultValue = "f32,int8",
            description = "What packed weights are multiplied with: f32, int8; default: both.")
    private String[] activations = {};

    @Option(names = "--text", paramLabel = "FILE", required = true, description = "UTF-8 text to measure on.")
    private Path text = Path.of("");

    @Option(names = "--window", defaultValue = "128", description = "Tokens read together; default: 128.")
    private int windowTokens = 128;

    @Option(names = "--tokens", defaultValue = "8192", description = "At most so many tokens; default: 8192.")
    private int tokensMax = 8192;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        try (Checkpoint checkpoint = model.open();
                ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            Kernels kernels = Kernels.best(pool);
            TextWindows windows =
                    TextWindows.of(Tokenizer.of(checkpoint.metadata()), read(text), windowTokens, tokensMax);
            try (Model reference = load(checkpoint, kernels, EXACT)) {
                print(checkpoint, kernels, reference, windows);
            }
            return 0;
        }
    }

    private void print(Checkpoint checkpoint, Kernels kernels, Model reference, TextWindows windows) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%-12s %-12s %10s   %-24s %s%n", "weights", "activations", "size", "KL to f32 (nats)", "same top");
        for (String recipe : recipes) {
            for (String precision : activations) {
                try (Model variant = load(checkpoint, kernels, options(checkpoint, recipe, precision))) {
                    Divergence found = DivergenceProbe.measure(reference, variant, windows);
                    out.println(row(recipe, precision, variant.weightBytes(), found));
                    out.flush();
                }
            }
        }
    }

    private static String row(String recipe, String precision, long bytes, Divergence found) {
        return String.format(
                Locale.ROOT,
                "%-12s %-12s %10s   %.6f +- %-12.6f %.2f +- %.2f %% of %d",
                recipe,
                precision,
                MemoryPlan.readable(bytes),
                found.meanNats(),
                found.standardErrorNats(),
                100 * found.sameTop(),
                100 * found.standardErrorSameTop(),
                found.positions());
    }

    private static ModelLoader.Options options(Checkpoint checkpoint, String recipe, String precision) {
        ModelLoader.Options base =
                new ModelLoader.Options(WeightFormats.AS_STORED, precision(precision), KvEncoding.F32);
        return PlannedOptions.of(RecipeOption.parse(recipe), checkpoint, base);
    }

    private static Model load(Checkpoint checkpoint, Kernels kernels, ModelLoader.Options options) {
        var capacity = new Model.Capacity(DivergenceProbe.BATCH_TOKENS, DivergenceProbe.BATCH_TOKENS);
        return checkpoint.reading(() ->
                ModelLoader.load(checkpoint, new ModelLoader.Packing(kernels), options, capacity, LoadListener.NONE));
    }

    private static ActivationPrecision precision(String name) {
        return switch (name) {
            case "f32" -> ActivationPrecision.FLOAT32;
            case "int8" -> ActivationPrecision.INT8;
            default -> throw InvalidRequest.of("--activations " + name + ": f32 or int8 expected");
        };
    }

    private static String read(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new NotFound("no text at " + file);
        }
        if (Files.size(file) > TEXT_BYTES_MAX) {
            throw InvalidRequest.of("--text " + file + ": " + MemoryPlan.readable(Files.size(file)) + ", at most "
                    + MemoryPlan.readable(TEXT_BYTES_MAX) + " expected");
        }
        return Files.readString(file);
    }
}
