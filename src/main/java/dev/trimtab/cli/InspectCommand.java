package dev.trimtab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelSource;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
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
                out.println(json(facts(checkpoint)));
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
        return Map.of("source", checkpoint.metadata().source(), "metadata", metadata, "tensors", tensors);
    }

    private static String json(Map<String, Object> facts) {
        try {
            return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(facts);
        } catch (JsonProcessingException e) {
            throw new Internal("facts of a checkpoint do not render as JSON", e);
        }
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
}
