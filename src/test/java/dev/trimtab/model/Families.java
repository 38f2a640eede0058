package dev.trimtab.model;

import dev.trimtab.checkpoint.FamilyModel;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/// Small random models of every family, with what is special to each turned up so far that a forward pass
/// without it gives other logits.
final class Families {
    static final int VOCAB = 271;
    static final int CONTEXT = 64;
    static final int HIDDEN = 64;
    static final int INNER = 96;

    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int HEAD_DIM = 16;

    private Families() {}

    /// One family or one of its ways.
    enum Case {
        LLAMA(Families::llama3),
        LLAMA_LINEAR(Families::linear),
        LLAMA_YARN(Families::yarn),
        LLAMA_BIASES(Families::biases),
        MISTRAL(Families::mistral),
        MIXTRAL(Families::mixtral),
        DECI(() -> deci(32)),
        DECI_WITHOUT_FEED_FORWARD(() -> deci(0)),
        GRANITE(Families::granite),
        SMOLLM3(Families::smollm3),
        QWEN2(Families::qwen2),
        QWEN3(Families::qwen3),
        QWEN3MOE(Families::qwen3moe),
        PHI3_SHORT(() -> phi3(CONTEXT, CONTEXT)),
        PHI3_LONG(() -> phi3(16, CONTEXT)),
        PHI3_WINDOW(() -> phi3(16, 9)),
        GEMMA(Families::gemma),
        GEMMA2(Families::gemma2),
        GEMMA3(Families::gemma3),
        GPT2(Families::gpt2),
        BITNET(Families::bitnet);

        @SuppressWarnings("ImmutableEnumChecker") // a method
        private final Supplier<FamilyModel> maker;

        Case(Supplier<FamilyModel> maker) {
            this.maker = maker;
        }

        FamilyModel make() {
            return maker.get();
        }
    }

    private static FamilyModel start(String architecture, int layers) {
        return new FamilyModel(architecture)
                .whole("context_length", CONTEXT)
                .whole("embedding_length", HIDDEN)
                .whole("block_count", layers)
                .whole("feed_forward_length", INNER)
                .whole("attention.head_count", HEADS)
                .whole("attention.head_count_kv", KV_HEADS)
                .whole("vocab_size", VOCAB)
                .real("attention.layer_norm_rms_epsilon", 1e-5)
                .real("rope.freq_base", 10_000)
                .matrix("token_embd.weight", VOCAB, HIDDEN)
                .random("output_norm.weight", 1, 0.2, HIDDEN);
    }

    private static FamilyModel heads(FamilyModel model, int headDim) {
        return model.whole("attention.key_length", headDim)
                .whole("attention.value_length", headDim)
                .whole("rope.dimension_count", headDim);
    }

    /// Layers of Llama's tensors with heads of `headDim`; queries and keys large enough that attention is
    /// sharp.
    private static FamilyModel layers(FamilyModel model, int layers, int headDim) {
        for (int i = 0; i < layers; i++) {
            String prefix = "blk." + i + ".";
            attention(model, prefix, HEADS, KV_HEADS, headDim);
            feedForward(model, prefix, INNER);
        }
        return model;
    }

    private static void attention(FamilyModel model, String prefix, int heads, int kvHeads, int headDim) {
        model.random(prefix + "attn_norm.weight", 1, 0.2, HIDDEN)
                .random(prefix + "attn_q.weight", 0, 0.2, heads * headDim, HIDDEN)
                .random(prefix + "attn_k.weight", 0, 0.2, kvHeads * headDim, HIDDEN)
                .matrix(prefix + "attn_v.weight", kvHeads * headDim, HIDDEN)
                .matrix(prefix + "attn_output.weight", HIDDEN, heads * headDim);
    }

    private static void feedForward(FamilyModel model, String prefix, int inner) {
        model.random(prefix + "ffn_norm.weight", 1, 0.2, HIDDEN)
                .matrix(prefix + "ffn_gate.weight", inner, HIDDEN)
                .matrix(prefix + "ffn_up.weight", inner, HIDDEN)
                .matrix(prefix + "ffn_down.weight", HIDDEN, inner);
    }

    private static FamilyModel each(FamilyModel model, int layers, IntConsumer add) {
        for (int i = 0; i < layers; i++) {
            add.accept(i);
        }
        return model;
    }

    private static FamilyModel llama(int layers) {
        return layers(heads(start("llama", layers), HEAD_DIM), layers, HEAD_DIM).matrix("output.weight", VOCAB, HIDDEN);
    }

    private static FamilyModel llama3() {
        return llama(2).tensor("rope_freqs.weight", new float[] {1, 1, 1.2f, 2, 3, 5, 8, 8}, HEAD_DIM / 2);
    }

    private static FamilyModel linear() {
        return llama(2).text("rope.scaling.type", "linear").real("rope.scaling.factor", 4);
    }

    private static FamilyModel yarn() {
        return llama(2).text("rope.scaling.type", "yarn")
                .real("rope.scaling.factor", 4)
                .whole("rope.scaling.original_context_length", 4096);
    }

    private static FamilyModel biases() {
        FamilyModel model = llama(2);
        return each(
                model,
                2,
                i -> qkvBiases(model, i)
                        .random("blk." + i + ".attn_output.bias", 0, 0.3, HIDDEN)
                        .random("blk." + i + ".ffn_gate.bias", 0, 0.3, INNER)
                        .random("blk." + i + ".ffn_up.bias", 0, 0.3, INNER)
                        .random("blk." + i + ".ffn_down.bias", 0, 0.3, HIDDEN));
    }

    private static FamilyModel mistral() {
        return llama(2).whole("attention.sliding_window", 7);
    }

    private static FamilyModel experts(FamilyModel model, int layers, int headDim, int inner) {
        model.whole("expert_count", 6).whole("expert_used_count", 2);
        return each(model, layers, i -> {
            String prefix = "blk." + i + ".";
            attention(model, prefix, HEADS, KV_HEADS, headDim);
            model.random(prefix + "ffn_norm.weight", 1, 0.2, HIDDEN)
                    .random(prefix + "ffn_gate_inp.weight", 0, 0.5, 6, HIDDEN)
                    .matrix(prefix + "ffn_gate_exps.weight", 6, inner, HIDDEN)
                    .matrix(prefix + "ffn_up_exps.weight", 6, inner, HIDDEN)
                    .matrix(prefix + "ffn_down_exps.weight", 6, HIDDEN, inner);
        });
    }

    private static FamilyModel mixtral() {
        return experts(heads(start("llama", 2), HEAD_DIM), 2, HEAD_DIM, INNER).matrix("output.weight", VOCAB, HIDDEN);
    }

    /// Five layers: whole; without attention; with attention as one matrix; with fewer heads and `inner`
    /// elements in its feed-forward, none where 0; whole.
    private static FamilyModel deci(int inner) {
        FamilyModel model = heads(start("deci", 5), HEAD_DIM)
                .wholes("attention.head_count", 4, 0, 4, 2, 4)
                .wholes("attention.head_count_kv", 2, 0, 0, 1, 4)
                .wholes("feed_forward_length", 96, 64, 96, inner, 128)
                .matrix("output.weight", VOCAB, HIDDEN);
        attention(model, "blk.0.", 4, 2, HEAD_DIM);
        feedForward(model, "blk.0.", 96);
        feedForward(model, "blk.1.", 64);
        model.random("blk.2.attn_norm.weight", 1, 0.2, HIDDEN).matrix("blk.2.attn_output.weight", HIDDEN, HIDDEN);
        feedForward(model, "blk.2.", 96);
        attention(model, "blk.3.", 2, 1, HEAD_DIM);
        if (inner > 0) {
            feedForward(model, "blk.3.", inner);
        }
        attention(model, "blk.4.", 4, 4, HEAD_DIM);
        feedForward(model, "blk.4.", 128);
        return model;
    }

    private static FamilyModel granite() {
        return layers(heads(start("granite", 2), HEAD_DIM), 2, HEAD_DIM)
                .real("embedding_scale", 12)
                .real("residual_scale", 0.22)
                .real("attention.scale", 0.1)
                .real("logit_scale", 4);
    }

    private static FamilyModel smollm3() {
        return layers(heads(start("smollm3", 5), HEAD_DIM), 5, HEAD_DIM);
    }

    private static FamilyModel qkvBiases(FamilyModel model, int layer) {
        String prefix = "blk." + layer + ".";
        return model.random(prefix + "attn_q.bias", 0, 0.5, HEADS * HEAD_DIM)
                .random(prefix + "attn_k.bias", 0, 0.5, KV_HEADS * HEAD_DIM)
                .random(prefix + "attn_v.bias", 0, 0.5, KV_HEADS * HEAD_DIM);
    }

    private static FamilyModel qwen2() {
        FamilyModel model = layers(start("qwen2", 2), 2, HEAD_DIM);
        return each(model, 2, i -> qkvBiases(model, i));
    }

    private static FamilyModel headNorms(FamilyModel model, int layers, int headDim) {
        return each(
                model,
                layers,
                i -> model.random("blk." + i + ".attn_q_norm.weight", 1, 0.3, headDim)
                        .random("blk." + i + ".attn_k_norm.weight", 1, 0.3, headDim));
    }

    private static FamilyModel qwen3() {
        return headNorms(layers(heads(start("qwen3", 2), 32), 2, 32), 2, 32);
    }

    private static FamilyModel qwen3moe() {
        return headNorms(experts(heads(start("qwen3moe", 2), 32), 2, 32, 48), 2, 32)
                .whole("expert_feed_forward_length", 48);
    }

    private static FamilyModel phi3(int trained, int window) {
        FamilyModel model = heads(start("phi3", 2), HEAD_DIM)
                .whole("rope.scaling.original_context_length", trained)
                .real("rope.scaling.attn_factor", 1.1)
                .whole("attention.sliding_window", window)
                .matrix("output.weight", VOCAB, HIDDEN)
                .tensor("rope_factors_long.weight", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, HEAD_DIM / 2)
                .tensor("rope_factors_short.weight", new float[] {1, 1, 1, 1.1f, 1.2f, 1.3f, 1.5f, 2}, HEAD_DIM / 2);
        return each(model, 2, i -> {
            String prefix = "blk." + i + ".";
            model.random(prefix + "attn_norm.weight", 1, 0.2, HIDDEN)
                    .random(prefix + "attn_qkv.weight", 0, 0.2, (HEADS + 2 * KV_HEADS) * HEAD_DIM, HIDDEN)
                    .matrix(prefix + "attn_output.weight", HIDDEN, HEADS * HEAD_DIM)
                    .random(prefix + "ffn_norm.weight", 1, 0.2, HIDDEN)
                    .matrix(prefix + "ffn_up.weight", 2 * INNER, HIDDEN)
                    .matrix(prefix + "ffn_down.weight", HIDDEN, INNER);
        });
    }

    private static FamilyModel gemma() {
        return layers(heads(start("gemma", 2), 32), 2, 32);
    }

    private static FamilyModel postNorms(FamilyModel model, int layers) {
        return each(
                model,
                layers,
                i -> model.random("blk." + i + ".post_attention_norm.weight", 0.5, 0.1, HIDDEN)
                        .random("blk." + i + ".post_ffw_norm.weight", 0.5, 0.1, HIDDEN));
    }

    /// As many layers as the 2B model: llama.cpp tells the scale of its queries by that.
    private static FamilyModel gemma2() {
        return postNorms(layers(heads(start("gemma2", 26), 32), 26, 32), 26)
                .whole("attention.sliding_window", 6)
                .real("attn_logit_softcapping", 1.5)
                .real("final_logit_softcapping", 3);
    }

    /// As many layers as the 1B model.
    private static FamilyModel gemma3() {
        return headNorms(postNorms(layers(heads(start("gemma3", 26), 32), 26, 32), 26), 26, 32)
                .whole("attention.sliding_window", 6)
                .real("rope.freq_base", 1_000_000)
                .text("rope.scaling.type", "linear")
                .real("rope.scaling.factor", 8);
    }

    private static FamilyModel gpt2() {
        FamilyModel model = new FamilyModel("gpt2")
                .whole("context_length", CONTEXT)
                .whole("embedding_length", HIDDEN)
                .whole("block_count", 2)
                .whole("feed_forward_length", INNER)
                .whole("attention.head_count", HEADS)
                .whole("vocab_size", VOCAB)
                .real("attention.layer_norm_epsilon", 1e-5)
                .matrix("token_embd.weight", VOCAB, HIDDEN)
                .random("position_embd.weight", 0, 0.1, CONTEXT, HIDDEN)
                .random("output_norm.weight", 1, 0.2, HIDDEN)
                .random("output_norm.bias", 0, 0.2, HIDDEN)
                .matrix("output.weight", VOCAB, HIDDEN);
        return each(model, 2, i -> {
            String prefix = "blk." + i + ".";
            model.random(prefix + "attn_norm.weight", 1, 0.2, HIDDEN)
                    .random(prefix + "attn_norm.bias", 0, 0.2, HIDDEN)
                    .random(prefix + "attn_qkv.weight", 0, 0.2, 3 * HIDDEN, HIDDEN)
                    .random(prefix + "attn_qkv.bias", 0, 0.2, 3 * HIDDEN)
                    .matrix(prefix + "attn_output.weight", HIDDEN, HIDDEN)
                    .random(prefix + "attn_output.bias", 0, 0.2, HIDDEN)
                    .random(prefix + "ffn_norm.weight", 1, 0.2, HIDDEN)
                    .random(prefix + "ffn_norm.bias", 0, 0.2, HIDDEN)
                    .matrix(prefix + "ffn_up.weight", INNER, HIDDEN)
                    .random(prefix + "ffn_up.bias", 0, 0.2, INNER)
                    .matrix(prefix + "ffn_down.weight", HIDDEN, INNER)
                    .random(prefix + "ffn_down.bias", 0, 0.2, HIDDEN);
        });
    }

    private static FamilyModel bitnet() {
        FamilyModel model = layers(heads(start("bitnet", 2), HEAD_DIM), 2, HEAD_DIM);
        return each(
                model,
                2,
                i -> model.random("blk." + i + ".attn_sub_norm.weight", 1, 0.2, HIDDEN)
                        .random("blk." + i + ".ffn_sub_norm.weight", 1, 0.2, INNER));
    }
}
