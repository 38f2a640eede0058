package dev.trimtab.checkpoint.huggingface;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Names of tensors there and back.
class TensorNamesTest {
    @ParameterizedTest
    @CsvSource({
        "llama, blk.3.attn_q.weight, model.layers.3.self_attn.q_proj.weight",
        "llama, blk.12.ffn_down.weight, model.layers.12.mlp.down_proj.weight",
        "gpt2, blk.0.attn_qkv.bias, transformer.h.0.attn.c_attn.bias",
        "gpt2, blk.0.ffn_norm.weight, transformer.h.0.ln_2.weight",
        "llama, token_embd.weight, model.embed_tokens.weight",
        "llama, output.weight, lm_head.weight",
        "qwen3moe, blk.1.ffn_gate.7.weight, model.layers.1.mlp.experts.7.gate_proj.weight",
        "llama, blk.1.ffn_down.7.weight, model.layers.1.block_sparse_moe.experts.7.w2.weight",
        "gemma2, blk.1.post_ffw_norm.weight, model.layers.1.post_feedforward_layernorm.weight"
    })
    void aliasesLeadBackToTheCanonicalName(String architecture, String canonical, String alias) {
        assertThat(TensorNames.aliases(canonical)).contains(alias);
        assertThat(TensorNames.canonical(architecture, alias)).hasValue(canonical);
    }
}
