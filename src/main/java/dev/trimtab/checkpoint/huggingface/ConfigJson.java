package dev.trimtab.checkpoint.huggingface;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Turns a Hugging Face `config.json` into GGUF's keys, as llama.cpp's converter names them.
///
/// One thing it does not turn: Hugging Face's weights rotate the two halves of a head, GGUF's `llama` rotates
/// adjacent pairs and has its rows permuted for that. The rows stay as they are and [Metadata#ROPE_PAIRING]
/// says `halves`.
final class ConfigJson {
    /// `model_type` and GGUF's `general.architecture`.
    private static final Map<String, String> ARCHITECTURES = Map.ofEntries(
            Map.entry("llama", "llama"),
            Map.entry("mistral", "llama"),
            Map.entry("mixtral", "llama"),
            Map.entry("smollm3", "smollm3"),
            Map.entry("granite", "granite"),
            Map.entry("qwen2", "qwen2"),
            Map.entry("qwen3", "qwen3"),
            Map.entry("qwen3_moe", "qwen3moe"),
            Map.entry("phi3", "phi3"),
            Map.entry("gemma", "gemma"),
            Map.entry("gemma2", "gemma2"),
            Map.entry("gemma3_text", "gemma3"),
            Map.entry("gpt2", "gpt2"),
            Map.entry("bitnet", "bitnet"));

    /// What `hidden_act` may say, silu and both forms of gelu by their several names.
    private static final Set<String> NONLINEARITIES =
            Set.of("silu", "swish", "gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh");

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
            Row.whole("context_length", "max_position_embeddings", "n_positions"),
            Row.whole("embedding_length", "hidden_size", "n_embd"),
            Row.whole("block_count", "num_hidden_layers", "n_layer"),
            Row.whole("feed_forward_length", "intermediate_size", "n_inner"),
            Row.whole("expert_feed_forward_length", "moe_intermediate_size"),
            Row.whole("expert_count", "num_local_experts", "num_experts"),
            Row.whole("expert_used_count", "num_experts_per_tok"),
            Row.whole("vocab_size", "vocab_size"),
            Row.whole("attention.head_count", "num_attention_heads", "n_head"),
            Row.whole("attention.head_count_kv", "num_key_value_heads", "num_attention_heads", "n_head"),
            Row.whole("attention.sliding_window", "sliding_window"),
            Row.whole("attention.sliding_window_pattern", "sliding_window_pattern"),
            Row.real("attention.scale", "attention_multiplier"),
            Row.real("attn_logit_softcapping", "attn_logit_softcapping"),
            Row.real("final_logit_softcapping", "final_logit_softcapping"),
            Row.real("embedding_scale", "embedding_multiplier"),
            Row.real("residual_scale", "residual_multiplier"),
            Row.real("logit_scale", "logits_scaling"),
            Row.real("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
            Row.real("attention.layer_norm_epsilon", "layer_norm_epsilon"),
            Row.real(
                    "rope.freq_base",
                    "rope_theta",
                    "rope_parameters.rope_theta",
                    "rope_parameters.full_attention.rope_theta"),
            Row.real("rope.freq_base_swa", "rope_local_base_freq", "rope_parameters.sliding_attention.rope_theta"));

    /// Where a kind of rotation and its numbers may stand.
    private static final List<String> ROPE_PREFIXES =
            List.of("rope_scaling.", "rope_parameters.", "rope_parameters.full_attention.");

    private static final String ORIGINAL_PATH = "original_max_position_embeddings";
    private static final String ORIGINAL = "rope.scaling.original_context_length";
    private static final String MAGNITUDE = "rope.scaling.attn_factor";

    /// Far above any model's.
    private static final int LAYERS_MAX = 1024;

    private final Metadata config;
    private final Map<String, MetadataValue> values = new LinkedHashMap<>();

    private ConfigJson(Metadata config) {
        this.config = config;
    }

    /// The pairs that stand for `config`, a flattened `config.json`.
    ///
    /// @throws Unsupported for other families, weights stored quantized, and rotations scaled in ways unknown
    ///     here
    /// @throws BadCheckpoint for values of other types and ranges
    static Map<String, MetadataValue> toMetadata(Metadata config) {
        return new ConfigJson(config).convert();
    }

    /// The kind of rotation scaling, `default` where there is none.
    static String ropeScaling(Metadata config) {
        String prefix = ropePrefix(config);
        String type = config.string(prefix + "rope_type", config.string(prefix + "type", "default"));
        return type.equals("su") ? "longrope" : type;
    }

    /// What the keys of the rotation's scaling begin with.
    static String ropePrefix(Metadata config) {
        return ROPE_PREFIXES.stream()
                .filter(prefix -> config.contains(prefix + "rope_type") || config.contains(prefix + "type"))
                .findFirst()
                .orElse(ROPE_PREFIXES.getFirst());
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
        hiddenAct(architecture);
        window(prefix);
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
        boolean plain = config.flag("norm_topk_prob", true)
                && config.integer("decoder_sparse_step", 0, Integer.MAX_VALUE, 1) == 1
                && lengthOf("mlp_only_layers") == 0
                && !config.flag("scale_attn_by_inverse_layer_idx", false)
                && config.flag("scale_attn_weights", true);
        if (!plain) {
            throw new Unsupported(config.source() + ": one of norm_topk_prob false, decoder_sparse_step over 1, "
                    + "mlp_only_layers, scale_attn_by_inverse_layer_idx, scale_attn_weights false");
        }
        int interval = config.integer("no_rope_layer_interval", 0, Integer.MAX_VALUE, 4);
        long[] turning = lengthOf("no_rope_layers") == 0 ? new long[0] : config.integers("no_rope_layers");
        for (int i = 0; i < turning.length; i++) {
            if (turning[i] != ((i + 1) % 4 == 0 ? 0 : 1)) {
                interval = 0;
            }
        }
        if (interval != 4) {
            throw new Unsupported(config.source() + ": no_rope_layers other than every fourth");
        }
    }

    private int lengthOf(String key) {
        return config.find(key).orElse(null) instanceof MetadataValue.Array array ? array.length() : 0;
    }

    /// Gemma's `hidden_act` is not what its models were trained with; `hidden_activation` is, where it stands.
    private void hiddenAct(String architecture) {
        List<String> paths = architecture.startsWith("gemma")
                ? List.of("hidden_activation")
                : List.of("hidden_act", "activation_function");
        first(config, paths).map(config::string).ifPresent(name -> {
            if (!NONLINEARITIES.contains(name)) {
                throw new Unsupported(config.source() + ": hidden_act " + name + "; known: "
                        + NONLINEARITIES.stream().sorted().toList());
            }
            put(Metadata.HIDDEN_ACT, new MetadataValue.Text(name));
        });
    }

    /// Which layers the window is for: those that `layer_types` calls sliding, or those from
    /// `max_window_layers` on.
    private void window(String prefix) {
        if (!config.flag("use_sliding_window", true)) {
            values.remove(prefix + "attention.sliding_window");
        }
        if (!values.containsKey(prefix + "attention.sliding_window")) {
            return;
        }
        boolean[] windowed = new boolean[config.integer("num_hidden_layers", 1, LAYERS_MAX)];
        if (config.contains("layer_types")) {
            List<String> types = config.strings("layer_types");
            if (types.size() != windowed.length) {
                throw BadCheckpoint.mismatch(
                        config.source() + ": layer_types", windowed.length + " entries", types.size());
            }
            for (int i = 0; i < windowed.length; i++) {
                windowed[i] = isSliding(types.get(i));
            }
        } else if (config.flag("use_sliding_window", false) && config.contains("max_window_layers")) {
            Arrays.fill(
                    windowed,
                    Math.min(windowed.length, config.integer("max_window_layers", 0, Integer.MAX_VALUE)),
                    windowed.length,
                    true);
        } else {
            return;
        }
        put(prefix + "attention.sliding_window_pattern", new MetadataValue.Flags(windowed));
    }

    private boolean isSliding(String layerType) {
        return switch (layerType) {
            case "sliding_attention" -> true;
            case "full_attention" -> false;
            default -> throw new Unsupported(config.source() + ": layer_types: " + layerType);
        };
    }

    private void copy(Row row, String prefix) {
        first(config, row.paths()).ifPresent(path -> {
            boolean isReal = row.type() == ValueType.FLOAT32;
            put(
                    prefix + row.key(),
                    isReal ? real(config.number(path)) : whole(config.integer(path, 0, Integer.MAX_VALUE)));
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

    private static MetadataValue real(double value) {
        return new MetadataValue.Real(ValueType.FLOAT32, (float) value);
    }

    private static MetadataValue whole(long value) {
        return new MetadataValue.Whole(ValueType.UINT32, value);
    }

    private void headSizes(String prefix) {
        int heads = config.integer(first("num_attention_heads", "n_head"), 1, Integer.MAX_VALUE);
        int hidden = config.integer(first("hidden_size", "n_embd"), 1, Integer.MAX_VALUE);
        int headDim = config.integer("head_dim", 1, Integer.MAX_VALUE, hidden / heads);
        int rotated = (int) (headDim * config.number("partial_rotary_factor", 1));
        put(prefix + "attention.key_length", whole(headDim));
        put(prefix + "attention.value_length", whole(headDim));
        put(prefix + "rope.dimension_count", whole(rotated));
        if (config.contains("query_pre_attn_scalar")) {
            put(prefix + "attention.scale", real(1 / Math.sqrt(config.number("query_pre_attn_scalar"))));
        }
        // GPT-2's inner size is four times the outer unless it says so.
        values.putIfAbsent(prefix + "feed_forward_length", whole(4L * hidden));
    }

    /// `llama3` has no keys of its own in GGUF: it becomes the tensor [RopeFactors] makes. LongRoPE's
    /// magnitude for a context stretched s-fold from L is `sqrt(1 + ln s / ln L)`; YaRN's keys say by how much
    /// it differs from the usual.
    private void scaling(String prefix) {
        String type = ropeScaling(config);
        String from = ropePrefix(config);
        switch (type) {
            case "default", "llama3" -> {}
            case "linear", "yarn" -> {
                put(prefix + "rope.scaling.type", new MetadataValue.Text(type));
                double factor = config.number(from + "factor");
                put(prefix + "rope.scaling.factor", real(factor));
                original(from).ifPresent(length -> put(prefix + ORIGINAL, whole(length)));
                if (config.contains(from + "attention_factor")) {
                    double usual = 1 + 0.1 * Math.log(factor);
                    put(prefix + MAGNITUDE, real(config.number(from + "attention_factor") / usual));
                }
                copy(Row.real("rope.scaling.yarn_beta_fast", from + "beta_fast"), prefix);
                copy(Row.real("rope.scaling.yarn_beta_slow", from + "beta_slow"), prefix);
            }
            case "longrope" -> {
                int length = config.integer("max_position_embeddings", 1, Integer.MAX_VALUE);
                int trained = original(from).orElse(length);
                double stretch = config.number(from + "factor", (double) length / trained);
                double usual = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(trained));
                put(prefix + ORIGINAL, whole(trained));
                put(prefix + MAGNITUDE, real(config.number(from + "attention_factor", usual)));
            }
            default -> throw new Unsupported(config.source() + ": rope scaling " + type);
        }
    }

    /// Tokens that the model was trained on before its rotation was scaled.
    private Optional<Integer> original(String prefix) {
        return first(config, List.of(prefix + ORIGINAL_PATH, ORIGINAL_PATH))
                .map(path -> config.integer(path, 2, Integer.MAX_VALUE));
    }

    private String first(String... paths) {
        return first(config, List.of(paths)).orElse(paths[0]);
    }

    private static Optional<String> first(Metadata config, List<String> paths) {
        return paths.stream().filter(config::contains).findFirst();
    }
}
