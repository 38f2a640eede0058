package dev.trimtab.checkpoint;

import dev.trimtab.error.Unsupported;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Turns a Hugging Face `config.json` of the llama family into GGUF's keys, as llama.cpp's converter names
/// them.
///
/// One thing it does not turn: Hugging Face's weights rotate the two halves of a head, GGUF's `llama` rotates
/// adjacent pairs and has its rows permuted for that. The rows stay as they are and [Metadata#ROPE_PAIRING]
/// says `halves`.
final class HuggingFaceConfig {
    /// `model_type` and GGUF's `general.architecture`.
    private static final Map<String, String> ARCHITECTURES = Map.of(
            "llama", "llama",
            "mistral", "llama",
            "qwen2", "qwen2",
            "qwen3", "qwen3",
            "bitnet", "bitnet");

    /// A key of ours and where its value comes from: the first of `paths` that the file has.
    private record Row(String key, ValueType type, List<String> paths) {
        static Row whole(String key, String... paths) {
            return new Row(key, ValueType.UINT32, List.of(paths));
        }

        static Row real(String key, String... paths) {
            return new Row(key, ValueType.FLOAT32, List.of(paths));
        }
    }

    /// Keys that follow the architecture's name and a dot.
    private static final List<Row> ARCHITECTURE_ROWS = List.of(
            Row.whole("context_length", "max_position_embeddings"),
            Row.whole("embedding_length", "hidden_size"),
            Row.whole("block_count", "num_hidden_layers"),
            Row.whole("feed_forward_length", "intermediate_size"),
            Row.whole("vocab_size", "vocab_size"),
            Row.whole("attention.head_count", "num_attention_heads"),
            Row.whole("attention.head_count_kv", "num_key_value_heads", "num_attention_heads"),
            Row.whole("attention.sliding_window", "sliding_window"),
            Row.real("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
            Row.real("rope.freq_base", "rope_theta", "rope_parameters.rope_theta"));

    /// Rows that mean something only in a kind of rotation, which names itself under one of two keys.
    private static final List<Row> SCALING_ROWS = List.of(
            Row.real("rope.scaling.factor", "rope_scaling.factor", "rope_parameters.factor"),
            Row.whole(
                    "rope.scaling.original_context_length",
                    "rope_scaling.original_max_position_embeddings",
                    "rope_parameters.original_max_position_embeddings"));

    private static final List<String> SCALING_TYPES =
            List.of("rope_scaling.rope_type", "rope_scaling.type", "rope_parameters.rope_type");

    private final Metadata config;
    private final Map<String, MetadataValue> values = new LinkedHashMap<>();

    private HuggingFaceConfig(Metadata config) {
        this.config = config;
    }

    /// The pairs that stand for `config`, a flattened `config.json`.
    ///
    /// @throws Unsupported for other families, weights stored quantized, and rotations scaled in ways unknown
    ///     here
    /// @throws dev.trimtab.error.BadCheckpoint for values of other types and ranges
    static Map<String, MetadataValue> toMetadata(Metadata config) {
        return new HuggingFaceConfig(config).convert();
    }

    /// The kind of rotation scaling, `default` where there is none.
    static String ropeScaling(Metadata config) {
        return first(config, SCALING_TYPES).map(config::string).orElse("default");
    }

    private Map<String, MetadataValue> convert() {
        String modelType = config.string("model_type");
        String architecture = Optional.ofNullable(ARCHITECTURES.get(modelType))
                .orElseThrow(() -> new Unsupported(config.source() + ": model type " + modelType
                        + "; of Hugging Face layouts these can be read: "
                        + ARCHITECTURES.keySet().stream().sorted().toList()));
        refuseWhatWouldBeMisread();
        put("general.architecture", new MetadataValue.Text(architecture));
        put("general.type", new MetadataValue.Text("model"));
        String prefix = architecture + ".";
        ARCHITECTURE_ROWS.forEach(row -> copy(row, prefix));
        if (!config.flag("use_sliding_window", true)) {
            values.remove(prefix + "attention.sliding_window");
        }
        headSizes(prefix);
        scaling(prefix);
        put(Metadata.ROPE_PAIRING, new MetadataValue.Text("halves"));
        tokenIds();
        return values;
    }

    private void refuseWhatWouldBeMisread() {
        if (config.contains("quantization_config.quant_method") && !CompressedTensors.isNamedBy(config)) {
            throw new Unsupported(config.source() + ": weights stored quantized by "
                    + config.string("quantization_config.quant_method"));
        }
        String activation = config.string("hidden_act", "silu");
        if (!activation.equals("silu")) {
            throw new Unsupported(config.source() + ": hidden_act " + activation + "; silu can be computed");
        }
    }

    private void copy(Row row, String prefix) {
        first(config, row.paths()).ifPresent(path -> {
            boolean isReal = row.type() == ValueType.FLOAT32;
            put(prefix + row.key(), isReal ? real(path) : whole(config.integer(path, 0, Integer.MAX_VALUE)));
        });
    }

    /// Of several end tokens the first ends a text and the last, by the custom of instruction models, a turn.
    /// Negative ids, which mean none, are left out.
    private void tokenIds() {
        ids("bos_token_id").ifPresent(ids -> put("tokenizer.ggml.bos_token_id", whole(ids[0])));
        ids("pad_token_id").ifPresent(ids -> put("tokenizer.ggml.padding_token_id", whole(ids[0])));
        ids("eos_token_id").ifPresent(ids -> {
            put("tokenizer.ggml.eos_token_id", whole(ids[0]));
            if (ids.length > 1) {
                put("tokenizer.ggml.eot_token_id", whole(ids[ids.length - 1]));
            }
        });
    }

    private Optional<long[]> ids(String path) {
        return config.find(path)
                .map(value -> value instanceof MetadataValue.Wholes
                        ? config.integers(path)
                        : new long[] {config.integer(path, Integer.MIN_VALUE, Integer.MAX_VALUE)})
                .filter(ids -> Arrays.stream(ids).allMatch(id -> id >= 0 && id <= Integer.MAX_VALUE))
                .filter(ids -> ids.length > 0);
    }

    private void put(String key, MetadataValue value) {
        values.put(key, value);
    }

    private MetadataValue real(String path) {
        return new MetadataValue.Real(ValueType.FLOAT32, (float) config.number(path));
    }

    private static MetadataValue whole(long value) {
        return new MetadataValue.Whole(ValueType.UINT32, value);
    }

    private void headSizes(String prefix) {
        int heads = config.integer("num_attention_heads", 1, Integer.MAX_VALUE);
        int hidden = config.integer("hidden_size", 1, Integer.MAX_VALUE);
        int headDim = config.integer("head_dim", 1, Integer.MAX_VALUE, hidden / heads);
        int rotated = (int) (headDim * config.number("partial_rotary_factor", 1));
        put(prefix + "attention.key_length", whole(headDim));
        put(prefix + "attention.value_length", whole(headDim));
        put(prefix + "rope.dimension_count", whole(rotated));
    }

    /// `llama3` has no keys of its own in GGUF: it becomes the tensor [RopeFactors] makes.
    private void scaling(String prefix) {
        String type = ropeScaling(config);
        switch (type) {
            case "default", "llama3" -> {}
            case "linear", "yarn" -> {
                put(prefix + "rope.scaling.type", new MetadataValue.Text(type));
                SCALING_ROWS.forEach(row -> copy(row, prefix));
            }
            default -> throw new Unsupported(config.source() + ": rope scaling " + type);
        }
    }

    private static Optional<String> first(Metadata config, List<String> paths) {
        return paths.stream().filter(config::contains).findFirst();
    }
}
