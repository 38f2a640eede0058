package dev.trimtab.cli;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.model.ModelConfig;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.WeightFormats;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelSource;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `trimtab inspect`: what is in a checkpoint, without loading it.
@Command(name = "inspect", description = "Lists a checkpoint's metadata and tensors.", mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
    @Option(names = "--json", description = "As JSON, for programs.")
    private boolean json;

    @Parameters(paramLabel = "FILE")
    private String file = "";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        try (Checkpoint checkpoint = ModelOption.open(ModelSource.parse(file))) {
            PrintWriter out = spec.commandLine().getOut();
            if (json) {
                out.println(Json.indented(facts(checkpoint)));
            } else {
                print(checkpoint, out);
            }
            out.flush();
            return 0;
        }
    }

    private static Map<String, Object> facts(Checkpoint checkpoint) {
        Map<String, Object> metadata = new LinkedHashMap<>();
        checkpoint.metadata().values().forEach((key, value) -> metadata.put(key, value.describe()));
        List<Map<String, Object>> tensors = checkpoint.tensors().values().stream()
                .map(tensor -> Map.<String, Object>of(
                        "name", tensor.name(),
                        "encoding", tensor.encoding().name(),
                        "shape", tensor.shape().extents(),
                        "bytes", tensor.sizeBytes()))
                .toList();
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("source", checkpoint.metadata().source());
        facts.put("metadata", metadata);
        facts.put("tensors", tensors);
        facts.put("loaded_bytes", loadedBytes(checkpoint));
        kvBytesPerToken(checkpoint).ifPresent(bytes -> facts.put("kv_bytes_per_token", bytes));
        return facts;
    }

    private static void print(Checkpoint checkpoint, PrintWriter out) {
        out.println(checkpoint.metadata().source());
        out.println();
        checkpoint.metadata().values().forEach((key, value) -> out.printf("  %-46s %s%n", key, value.describe()));
        out.println();
        for (Tensor tensor : checkpoint.tensors().values()) {
            out.printf(
                    "  %-34s %-8s %-20s %s%n",
                    tensor.name(), tensor.encoding(), tensor.shape(), MemoryPlan.readable(tensor.sizeBytes()));
        }
        out.println();
        total(checkpoint, out);
        loaded(checkpoint, out);
    }

    private static void loaded(Checkpoint checkpoint, PrintWriter out) {
        Map<String, Long> bytes = loadedBytes(checkpoint);
        if (!bytes.isEmpty()) {
            String formats = bytes.entrySet().stream()
                    .map(entry -> entry.getKey() + " " + MemoryPlan.readable(entry.getValue()))
                    .collect(Collectors.joining(", "));
            String kv = kvBytesPerToken(checkpoint)
                    .map(perToken -> "; KV cache " + MemoryPlan.readable(perToken) + " a token")
                    .orElse("");
            out.println("  loaded: " + formats + kv);
        }
    }

    private static void total(Checkpoint checkpoint, PrintWriter out) {
        long weights = 0;
        long bytes = 0;
        Map<String, Integer> encodings = new TreeMap<>();
        for (Tensor tensor : checkpoint.tensors().values()) {
            weights += tensor.shape().elements();
            bytes += tensor.sizeBytes();
            encodings.merge(tensor.encoding().name(), 1, Integer::sum);
        }
        double bitsPerWeight = weights == 0 ? 0 : 8.0 * bytes / weights;
        out.printf(
                Locale.ROOT,
                "  %d tensors %s, %,d weights, %s, %.2f bits per weight%n",
                checkpoint.tensors().size(),
                encodings,
                weights,
                MemoryPlan.readable(bytes),
                bitsPerWeight);
    }

    /// What serving it would take; nothing for a file that is no model, such as a vocabulary.
    private static Map<String, Long> loadedBytes(Checkpoint checkpoint) {
        if (checkpoint.find("token_embd.weight").isEmpty()) {
            return Map.of();
        }
        Map<String, Long> bytes = new LinkedHashMap<>();
        bytes.put("as stored", packedBytes(checkpoint, WeightFormats.AS_STORED));
        for (PackedFormat format : List.of(PackedFormat.F16, PackedFormat.INT8, PackedFormat.INT4)) {
            bytes.put(format.name().toLowerCase(Locale.ROOT), packedBytes(checkpoint, WeightFormats.uniform(format)));
        }
        return bytes;
    }

    private static long packedBytes(Checkpoint checkpoint, WeightFormats formats) {
        return ModelLoader.packedBytes(
                checkpoint, new ModelLoader.Options(formats, ActivationPrecision.FLOAT32, KvEncodings.F16));
    }

    /// Empty for a family that cannot be served.
    private static Optional<Long> kvBytesPerToken(Checkpoint checkpoint) {
        try {
            ModelConfig config = ModelLoader.configOf(checkpoint);
            KvLayout kv = new KvLayout(KvEncodings.F16, config.headDim(), config.keyValueHeads());
            return Optional.of(kv.tokenBytes());
        } catch (TrimtabException _) {
            return Optional.empty();
        }
    }
}
