package dev.trimtab.checkpoint;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Hugging Face's names of the llama family's tensors and the canonical (GGUF) ones, as a table.
final class HuggingFaceNames {
    private static final Map<String, String> MODULES = Map.of(
            "model.embed_tokens", "token_embd",
            "model.norm", "output_norm",
            "lm_head", "output");

    private static final Map<String, String> LAYER_MODULES = Map.ofEntries(
            Map.entry("input_layernorm", "attn_norm"),
            Map.entry("post_attention_layernorm", "ffn_norm"),
            Map.entry("self_attn.q_proj", "attn_q"),
            Map.entry("self_attn.k_proj", "attn_k"),
            Map.entry("self_attn.v_proj", "attn_v"),
            Map.entry("self_attn.o_proj", "attn_output"),
            Map.entry("self_attn.q_norm", "attn_q_norm"),
            Map.entry("self_attn.k_norm", "attn_k_norm"),
            Map.entry("self_attn.attn_sub_norm", "attn_sub_norm"),
            Map.entry("mlp.gate_proj", "ffn_gate"),
            Map.entry("mlp.up_proj", "ffn_up"),
            Map.entry("mlp.down_proj", "ffn_down"),
            Map.entry("mlp.ffn_sub_norm", "ffn_sub_norm"));

    private static final Pattern NAME =
            Pattern.compile("(?:model\\.layers\\.(?<layer>\\d{1,5})\\.)?(?<module>[a-z_.]+)\\.(?<kind>weight|bias)");

    private HuggingFaceNames() {}

    /// The canonical name for `name`; empty for names of other families and for helpers such as stored
    /// rotations.
    static Optional<String> canonical(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String layer = matcher.group("layer");
        String kind = "." + matcher.group("kind");
        return layer == null
                ? Optional.ofNullable(MODULES.get(matcher.group("module"))).map(module -> module + kind)
                : Optional.ofNullable(LAYER_MODULES.get(matcher.group("module")))
                        .map(module -> "blk." + Integer.parseInt(layer) + "." + module + kind);
    }
}
