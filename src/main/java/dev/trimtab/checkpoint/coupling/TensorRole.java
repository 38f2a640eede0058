package dev.trimtab.checkpoint.coupling;

import java.util.Map;
import java.util.Optional;

/// What a tensor is to its layer: which of its rows or columns belong to a KV group or to a neuron. The names
/// are GGUF's (llama.cpp, `src/llama-arch.cpp`), the same in every family.
public enum TensorRole {
    /// Of the hidden size, or shared by all heads: loses nothing.
    WHOLE,
    /// A row for each element of the query heads; of a bias an element.
    QUERY_ROWS,
    /// A row for each element of the KV heads.
    KEY_ROWS,
    /// Queries' rows, then keys', then values', in one tensor.
    FUSED_ROWS,
    /// A column for each element of the query heads; the bias loses nothing.
    QUERY_COLUMNS,
    /// An element for each element of the query heads.
    QUERY_ELEMENTS,
    /// An element for each of one head; loses nothing.
    HEAD_ELEMENTS,
    /// A row for each neuron; twice that where gate and up are one tensor.
    NEURON_ROWS,
    /// A column for each neuron; the bias loses nothing.
    NEURON_COLUMNS,
    /// An element for each neuron.
    NEURON_ELEMENTS;

    private static final Map<String, TensorRole> ATTENTION = Map.ofEntries(
            Map.entry("attn_norm", WHOLE),
            Map.entry("post_attention_norm", WHOLE),
            Map.entry("attn_rot_embd", WHOLE),
            Map.entry("attn_q", QUERY_ROWS),
            Map.entry("attn_k", KEY_ROWS),
            Map.entry("attn_v", KEY_ROWS),
            Map.entry("attn_qkv", FUSED_ROWS),
            Map.entry("attn_q_norm", HEAD_ELEMENTS),
            Map.entry("attn_k_norm", HEAD_ELEMENTS),
            Map.entry("attn_sub_norm", QUERY_ELEMENTS),
            Map.entry("attn_output", QUERY_COLUMNS));

    /// Experts' matrices are those of a network, one tensor each or all in one.
    private static final Map<String, TensorRole> FEED_FORWARD = Map.ofEntries(
            Map.entry("ffn_norm", WHOLE),
            Map.entry("post_ffw_norm", WHOLE),
            Map.entry("ffn_gate_inp", WHOLE),
            Map.entry("ffn_gate", NEURON_ROWS),
            Map.entry("ffn_up", NEURON_ROWS),
            Map.entry("ffn_down", NEURON_COLUMNS),
            Map.entry("ffn_gate_exps", NEURON_ROWS),
            Map.entry("ffn_up_exps", NEURON_ROWS),
            Map.entry("ffn_down_exps", NEURON_COLUMNS),
            Map.entry("ffn_sub_norm", NEURON_ELEMENTS));

    /// The role of `module`, such as `attn_q`, in an attention block; empty for what is not in one.
    static Optional<TensorRole> inAttention(String module) {
        return Optional.ofNullable(ATTENTION.get(module));
    }

    /// The same for a feed-forward block.
    static Optional<TensorRole> inFeedForward(String module) {
        return Optional.ofNullable(FEED_FORWARD.get(module));
    }
}
