package dev.trimtab.cli;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.KernelProbe;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.Speed;
import dev.trimtab.quality.Speed.Spread;
import dev.trimtab.quality.SpeedProbe;
import dev.trimtab.quality.SpeedProbe.Workload;
import dev.trimtab.quality.SyntheticCheckpoint;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.LoadedModel;
import dev.trimtab.variant.MachineMemory;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.RecipeLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `trimtab bench`: what this machine makes of a model, beside the memory bandwidth of the same minute.
@Command(name = "bench", description = "Measures load, prefill and decode.", mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    /// Passes of a bandwidth measurement, some 10 ms each.
    private static final int BANDWIDTH_ROUNDS = 9;

    /// The fastest way to prefill; also what a served step takes at most.
    private static final int BATCHED_TOKENS = 512;

    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(
            names = "--synthetic",
            paramLabel = "SHAPE",
            description = "Random weights instead of --model: llama-1b, smollm-135m, qwen-0.5b.")
    private @Nullable String synthetic;

    @Mixin
    private final RecipeOption recipe = new RecipeOption();

    @Option(names = "-p", paramLabel = "TOKENS", defaultValue = "512", description = "Prompt tokens; default: 512.")
    private int promptTokens = 512;

    @Option(
            names = "-d",
            paramLabel = "TOKENS",
            defaultValue = "0",
            description = "Context that decoding starts from; default: 0.")
    private int depth;

    @Option(names = "-n", paramLabel = "TOKENS", defaultValue = "128", description = "Generated tokens; default: 128.")
    private int generatedTokens = 128;

    @Option(
            names = "-b",
            split = ",",
            defaultValue = "1,4,8",
            description = "Sequences that decode together; default: 1,4,8.")
    private int[] batches = {1, 4, 8};

    @Option(names = "-r", defaultValue = "5", description = "Rounds, of which medians are taken; default: 5.")
    private int rounds = 5;

    @Option(names = "--kernels", description = "Each kernel by itself; fails when one has become slow.")
    private boolean kernelsOnly;

    @Option(names = "--json", description = "As JSON, for programs.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        if (rounds < 1 || promptTokens < 1 || generatedTokens < 2 || depth < 0) {
            throw InvalidRequest.of("-r 1 or more, -p 1 or more, -n 2 or more and -d 0 or more expected");
        }
        if (kernelsOnly) {
            return KernelBench.run(spec.commandLine().getOut()) ? 0 : 1;
        }
        if (synthetic == null) {
            bench(model.source());
            return 0;
        }
        SyntheticCheckpoint shape = SyntheticCheckpoint.of(synthetic);
        Path file = Files.createTempFile("trimtab-" + shape.label(), ".gguf");
        try {
            shape.write(file);
            bench(new ModelSource.Local(file));
        } finally {
            Files.delete(file);
        }
        return 0;
    }

    private void bench(ModelSource source) {
        try (ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            Kernels kernels = Kernels.best(pool);
            KernelProbe probe = new KernelProbe(pool);
            double before = probe.readGigabytesPerSecond(BANDWIDTH_ROUNDS);
            long startNanos = System.nanoTime();
            try (Checkpoint checkpoint = ModelOption.open(source);
                    LoadedModel variant = load(checkpoint, kernels, pool)) {
                Model loaded = variant.model();
                double loadSeconds = (System.nanoTime() - startNanos) / 1e9;
                long residentBytes = MachineMemory.residentBytes().orElse(0);
                SpeedProbe speed = new SpeedProbe(loaded, Tokenizer.of(variant.metadata()));
                Spread prefill = speed.prefill(Math.min(promptTokens, loaded.contextLength() - 2), rounds);
                List<Speed> decode = decode(speed, loaded, probe);
                double after = probe.readGigabytesPerSecond(BANDWIDTH_ROUNDS);
                BenchReport report = new BenchReport(
                        new BenchReport.Machine(kernels.name(), pool.threads(), before, after),
                        new BenchReport.Load(loadSeconds, residentBytes, loaded.weightBytes()),
                        new BenchReport.Prefill(prefill, loaded.multiplyAddsPerToken()),
                        decode);
                spec.commandLine().getOut().println(json ? report.json() : report.table());
                spec.commandLine().getOut().flush();
            }
        }
    }

    private LoadedModel load(Checkpoint checkpoint, Kernels kernels, ComputePool pool) {
        int batch = 1;
        for (int size : batches) {
            batch = Math.max(batch, size);
        }
        Model.Capacity capacity = new Model.Capacity(Math.max(BATCHED_TOKENS, batch), batch);
        RecipeLoader loader = new RecipeLoader(new ModelLoader.Packing(kernels), pool, Optional.empty());
        var request = new RecipeLoader.Request(
                        checkpoint, recipe.recipe().orElse(Recipe.KEEP), ModelLoader.Options.SERVING, capacity)
                .locked(recipe.lock());
        try (ProgressBar progress = new ProgressBar("loading")) {
            return checkpoint.reading(() -> loader.load(request, progress::parts, Compression.Progress.NONE));
        }
    }

    private List<Speed> decode(SpeedProbe speed, Model loaded, KernelProbe probe) {
        int prompt = Math.clamp(depth, 1, loaded.contextLength() - generatedTokens - 1);
        return Arrays.stream(batches)
                .mapToObj(batch -> speed.decode(
                        new Workload(batch, prompt, generatedTokens),
                        rounds,
                        () -> probe.readGigabytesPerSecond(BANDWIDTH_ROUNDS),
                        loaded.weightBytes()))
                .toList();
    }
}
