package dev.trimtab.compress.export;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Metadata as llama.cpp wants it, which has families where we have sizes: a `llama` whose layers differ is a
/// `deci`, and other families have no such kin. What it could not load is refused before anything is written.
///
/// Source: llama.cpp, `src/llama-model.cpp`, `load_hparams` and `load_tensors`.
final class LlamaCppMetadata {
    private static final String ARCHITECTURE = "general.architecture";
    private static final String LLAMA = "llama";
    private static final String DECI = "deci";
    private static final String HEADS = "attention.head_count";
    private static final List<String> LAYER_SIZES = List.of(HEADS, "attention.head_count_kv", "feed_forward_length");

    /// Pairs that say how the source was stored, which the new file is not.
    private static final Set<String> STORAGE = Set.of(
            "general.alignment",
            "general.file_type",
            "general.quantization_version",
            Metadata.ROPE_PAIRING,
            "split.no",
            "split.count",
            "split.tensors.count");

    /// Families in which it looks for `attn_output.bias` and `ffn_down.bias`, which compensation adds.
    private static final Set<String> BIASED = Set.of(LLAMA, DECI, "granite", "gpt2");

    /// Families whose queries it takes to be as wide as the hidden size.
    private static final Set<String> FULL_WIDTH = Set.of("qwen2", "phi3", "gpt2", "bitnet");

    private final Metadata metadata;
    private final String source;
    private final Map<String, MetadataValue> values;

    private LlamaCppMetadata(Metadata metadata) {
        this.metadata = metadata;
        this.source = metadata.source();
        this.values = new LinkedHashMap<>(metadata.values());
    }

    /// The pairs to write for a model with `metadata` and tensors of `shapes`.
    ///
    /// @throws Unsupported for sizes and biases that llama.cpp has no family for
    static Metadata of(Metadata metadata, Map<String, Shape> shapes) {
        LlamaCppMetadata written = new LlamaCppMetadata(metadata);
        STORAGE.forEach(written.values::remove);
        written.layerSizes();
        Metadata result = new Metadata(metadata.source(), written.values);
        checkBiases(result, shapes);
        checkWidth(result);
        checkQueryBiases(result, shapes);
        return result;
    }

    /// Whether layers differ in some size.
    static boolean isUniform(Metadata metadata) {
        String prefix = metadata.string(ARCHITECTURE) + ".";
        return LAYER_SIZES.stream()
                .allMatch(size -> !(metadata.find(prefix + size).orElse(null) instanceof MetadataValue.Array));
    }

    private void layerSizes() {
        String architecture = metadata.string(ARCHITECTURE);
        if (isUniform(metadata) || architecture.equals(DECI)) {
            checkFirstLayer(architecture);
            return;
        }
        boolean isMixture = metadata.contains(LLAMA + ".expert_count")
                && metadata.integer(LLAMA + ".expert_count", 0, Integer.MAX_VALUE) > 0;
        if (!architecture.equals(LLAMA) || isMixture) {
            throw new Unsupported(source + ": layers of different sizes: llama.cpp has them for llama without experts"
                    + " only, and this is " + architecture + (isMixture ? " with experts" : "")
                    + "; give the rule no `scope: global` and no single layers");
        }
        checkFirstLayer(LLAMA);
        values.clear();
        metadata.values().forEach((key, value) -> {
            if (!STORAGE.contains(key)) {
                values.put(key.startsWith(LLAMA + ".") ? DECI + key.substring(LLAMA.length()) : key, value);
            }
        });
        values.put(ARCHITECTURE, new MetadataValue.Text(DECI));
    }

    /// It takes the size of a head from the first layer's.
    private void checkFirstLayer(String architecture) {
        String key = architecture + "." + HEADS;
        if (metadata.find(key).orElse(null) instanceof MetadataValue.Array && metadata.integers(key)[0] == 0) {
            throw new Unsupported(source + ": layer 0 without attention heads: llama.cpp takes the size of all heads"
                    + " from it; keep its attention");
        }
    }

    private static void checkBiases(Metadata metadata, Map<String, Shape> shapes) {
        String architecture = metadata.string(ARCHITECTURE);
        if (BIASED.contains(architecture)) {
            return;
        }
        shapes.keySet().stream()
                .filter(name -> name.endsWith(".attn_output.bias") || name.endsWith(".ffn_down.bias"))
                .findFirst()
                .ifPresent(name -> {
                    throw new Unsupported(metadata.source() + ": tensor " + name + ": llama.cpp's " + architecture
                            + " has no such bias; prune with `compensate: none`");
                });
    }

    private static void checkWidth(Metadata metadata) {
        String architecture = metadata.string(ARCHITECTURE);
        String headDim = architecture + ".attention.key_length";
        if (!FULL_WIDTH.contains(architecture) || !metadata.contains(headDim)) {
            return;
        }
        checkWidth(metadata, metadata.integer(headDim) * metadata.integer(architecture + "." + HEADS));
    }

    /// Where queries have a bias it is as wide as the hidden size in every family.
    private static void checkQueryBiases(Metadata metadata, Map<String, Shape> shapes) {
        shapes.forEach((name, shape) -> {
            if (name.endsWith(".attn_q.bias")) {
                checkWidth(metadata, shape.elements());
            }
        });
    }

    private static void checkWidth(Metadata metadata, long width) {
        String architecture = metadata.string(ARCHITECTURE);
        long hidden = metadata.integer(architecture + ".embedding_length");
        if (width != hidden) {
            throw new Unsupported(metadata.source() + ": heads of " + width + " elements in all: llama.cpp's "
                    + architecture + " has as many as the hidden size, " + hidden + "; prune the feed-forward only");
        }
    }
}
