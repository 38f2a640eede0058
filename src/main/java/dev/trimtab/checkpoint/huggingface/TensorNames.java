package dev.trimtab.checkpoint.huggingface;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Hugging Face's names of tensors and the canonical (GGUF) ones, as tables.
public final class TensorNames {
    private static final Map<String, String> MODULES = Map.of(
            "model.embed_tokens", "token_embd",
            "model.norm", "output_norm",
            "lm_head", "output",
            "wte", "token_embd",
            "wpe", "position_embd",
            "ln_f", "output_norm");

    private static final Map<String, String> LAYER_MODULES = Map.ofEntries(
            Map.entry("input_layernorm", "attn_norm"),
            Map.entry("post_attention_layernorm", "ffn_norm"),
            Map.entry("self_attn.q_proj", "attn_q"),
            Map.entry("self_attn.k_proj", "attn_k"),
            Map.entry("self_attn.v_proj", "attn_v"),
            Map.entry("self_attn.qkv_proj", "attn_qkv"),
            Map.entry("self_attn.o_proj", "attn_output"),
            Map.entry("self_attn.q_norm", "attn_q_norm"),
            Map.entry("self_attn.k_norm", "attn_k_norm"),
            Map.entry("self_attn.attn_sub_norm", "attn_sub_norm"),
            Map.entry("mlp.gate_proj", "ffn_gate"),
            Map.entry("mlp.up_proj", "ffn_up"),
            Map.entry("mlp.gate_up_proj", "ffn_up"),
            Map.entry("mlp.down_proj", "ffn_down"),
            Map.entry("mlp.ffn_sub_norm", "ffn_sub_norm"),
            Map.entry("mlp.gate", "ffn_gate_inp"),
            Map.entry("block_sparse_moe.gate", "ffn_gate_inp"),
            // GPT-2
            Map.entry("ln_1", "attn_norm"),
            Map.entry("attn.c_attn", "attn_qkv"),
            Map.entry("attn.c_proj", "attn_output"),
            Map.entry("ln_2", "ffn_norm"),
            Map.entry("mlp.c_fc", "ffn_up"),
            Map.entry("mlp.c_proj", "ffn_down"));

    /// Gemma 2 and 3, which have four norms a layer, call one by the name that others have for another.
    private static final Map<String, String> FOUR_NORMS = Map.of(
            "post_attention_layernorm", "post_attention_norm",
            "pre_feedforward_layernorm", "ffn_norm",
            "post_feedforward_layernorm", "post_ffw_norm");

    /// An expert's matrices.
    private static final Map<String, String> EXPERT_MODULES = Map.of(
            "gate_proj", "ffn_gate",
            "up_proj", "ffn_up",
            "down_proj", "ffn_down",
            "w1", "ffn_gate",
            "w3", "ffn_up",
            "w2", "ffn_down");

    private static final Pattern NAME =
            Pattern.compile("(?:transformer\\.)?(?:(?:model\\.layers|h)\\.(?<layer>\\d{1,5})\\.)?"
                    + "(?<module>[a-z_.]+\\d?)\\.(?<kind>weight|bias)");

    private static final Pattern EXPERT = Pattern.compile("model\\.layers\\.(?<layer>\\d{1,5})\\."
            + "(?:mlp|block_sparse_moe)\\.experts\\.(?<expert>\\d{1,5})\\.(?<module>[a-z_0-9]+)\\.weight");

    private static final Pattern CANONICAL = Pattern.compile(
            "(?:blk\\.(?<layer>\\d{1,5})\\.)?(?<module>[a-z_]+)(?:\\.(?<expert>\\d{1,5}))?\\.(?<kind>weight|bias)");

    private static final Pattern GPT2_MODULE = Pattern.compile("ln_[12]|attn\\..*|mlp\\.c_.*");

    /// Constants that old versions of the library saved with the weights: masks and rotations.
    private static final Pattern BUFFER =
            Pattern.compile(".*\\.(?:rotary_emb\\.inv_freq|attn\\.bias|attn\\.masked_bias)");

    private TensorNames() {}

    /// The canonical name for `name` in a checkpoint of GGUF's `architecture`; empty for names of other
    /// families.
    public static Optional<String> canonical(String architecture, String name) {
        Matcher expert = EXPERT.matcher(name);
        if (expert.matches()) {
            return Optional.ofNullable(EXPERT_MODULES.get(expert.group("module")))
                    .map(module -> layer(expert) + module + "." + Integer.parseInt(expert.group("expert")) + ".weight");
        }
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String module = matcher.group("module");
        String kind = "." + matcher.group("kind");
        return matcher.group("layer") == null
                ? Optional.ofNullable(MODULES.get(module)).map(found -> found + kind)
                : Optional.ofNullable(layerModule(architecture, module)).map(found -> layer(matcher) + found + kind);
    }

    /// Hugging Face's names for the canonical `name`, of every family that has one: the inverse of
    /// [#canonical].
    public static List<String> aliases(String name) {
        Matcher matcher = CANONICAL.matcher(name);
        if (!matcher.matches()) {
            return List.of();
        }
        String module = matcher.group("module");
        String kind = "." + matcher.group("kind");
        if (matcher.group("layer") == null) {
            return keysOf(MODULES, module).map(found -> found + kind).toList();
        }
        String layer = matcher.group("layer");
        if (matcher.group("expert") != null) {
            return keysOf(EXPERT_MODULES, module)
                    .map(found -> "model.layers." + layer + (found.startsWith("w") ? ".block_sparse_moe" : ".mlp")
                            + ".experts." + matcher.group("expert") + "." + found + kind)
                    .toList();
        }
        return Stream.concat(keysOf(LAYER_MODULES, module), keysOf(FOUR_NORMS, module))
                .map(found -> (GPT2_MODULE.matcher(found).matches() ? "transformer.h." : "model.layers.") + layer + "."
                        + found + kind)
                .toList();
    }

    private static Stream<String> keysOf(Map<String, String> table, String value) {
        return table.entrySet().stream()
                .filter(entry -> entry.getValue().equals(value))
                .map(Map.Entry::getKey)
                .sorted();
    }

    /// Whether `name` is of no weight and not needed.
    static boolean isBuffer(String name) {
        return BUFFER.matcher(name).matches();
    }

    private static String layer(Matcher matcher) {
        return "blk." + Integer.parseInt(matcher.group("layer")) + ".";
    }

    private static @Nullable String layerModule(String architecture, String module) {
        boolean fourNorms = architecture.equals("gemma2") || architecture.equals("gemma3");
        return fourNorms && FOUR_NORMS.containsKey(module) ? FOUR_NORMS.get(module) : LAYER_MODULES.get(module);
    }
}
