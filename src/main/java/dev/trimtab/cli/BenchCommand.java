package dev.trimtab.cli;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.KernelProbe;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.Speed;
import dev.trimtab.quality.SpeedProbe;
import dev.trimtab.quality.SpeedProbe.Workload;
import dev.trimtab.quality.SyntheticCheckpoint;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.MachineMemory;
import dev.trimtab.variant.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    private static final int BANDWIDTH_ROUNDS = 9;

    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(
            names = "--synthetic",
            paramLabel = "SHAPE",
            description = "Random weights instead of --model: llama-1b, smollm-135m, qwen-0.5b.")
    private @Nullable String synthetic;

    @Option(
            names = "--recipe",
            paramLabel = "FORMAT",
            description =
                    "f16, int8 or int4, the latter two with 8-bit activations; default: as the checkpoint has it.")
    private @Nullable String recipe;

    @Option(names = "-p", paramLabel = "TOKENS", defaultValue = "512", description = "Prompt tokens; default: 512.")
    private int promptTokens = 512;

    @Option(names = "-n", paramLabel = "TOKENS", defaultValue = "128", description = "Generated tokens; default: 128.")
    private int generatedTokens = 128;

    @Option(names = "-b", split = ",", defaultValue = "1,4,8", description = "Batches; default: 1,4,8.")
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
        if (rounds < 1 || promptTokens < 1 || generatedTokens < 2) {
            throw InvalidRequest.of("-r 1 or more, -p 1 or more and -n 2 or more expected");
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
            try (Checkpoint checkpoint = ModelOption.open(source)) {
                long startNanos = System.nanoTime();
                try (Model loaded = load(checkpoint, kernels)) {
                    double loadSeconds = (System.nanoTime() - startNanos) / 1e9;
                    long residentBytes = MachineMemory.residentBytes().orElse(0);
                    List<Speed> speeds = measure(loaded, Tokenizer.of(checkpoint.metadata()));
                    double after = probe.readGigabytesPerSecond(BANDWIDTH_ROUNDS);
                    BenchReport report = new BenchReport(
                            new BenchReport.Machine(kernels.name(), pool.threads(), before, after),
                            new BenchReport.Load(loadSeconds, residentBytes, loaded.weightBytes()),
                            loaded.multiplyAddsPerToken(),
                            speeds);
                    spec.commandLine().getOut().println(json ? report.json() : report.table());
                    spec.commandLine().getOut().flush();
                }
            }
        }
    }

    private Model load(Checkpoint checkpoint, Kernels kernels) {
        int batch = 1;
        for (int size : batches) {
            batch = Math.max(batch, size);
        }
        Model.Capacity capacity = new Model.Capacity(Math.max(512, batch), batch);
        try (ProgressBar progress = new ProgressBar("loading")) {
            return checkpoint.reading(
                    () -> ModelLoader.load(checkpoint, kernels, options(), capacity, progress::update));
        }
    }

    private ModelLoader.Options options() {
        if (recipe == null) {
            return ModelLoader.Options.SERVING;
        }
        return switch (recipe) {
            case "f16" -> packed(PackedFormat.F16);
            case "int8" -> packed(PackedFormat.INT8);
            case "int4" -> packed(PackedFormat.INT4);
            default -> throw InvalidRequest.of("--recipe " + recipe + ": f16, int8 or int4 expected");
        };
    }

    private static ModelLoader.Options packed(PackedFormat format) {
        return new ModelLoader.Options(Optional.of(format), ActivationPrecision.INT8, KvEncoding.F16);
    }

    private List<Speed> measure(Model loaded, Tokenizer tokenizer) {
        SpeedProbe probe = new SpeedProbe(loaded, tokenizer);
        int prompt = Math.min(promptTokens, loaded.contextLength() - generatedTokens - 1);
        List<Speed> speeds = new ArrayList<>();
        for (int batch : batches) {
            speeds.add(probe.measure(new Workload(batch, prompt, generatedTokens), rounds));
        }
        return speeds;
    }
}
