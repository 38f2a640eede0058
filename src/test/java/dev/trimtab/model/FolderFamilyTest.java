package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.checkpoint.FamilyModel;
import dev.trimtab.model.Families.Case;
import dev.trimtab.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The same random weights as a GGUF file and as a Hugging Face folder (names, values and configuration as
/// transformers saves them) give the same logits. Llama's own rotation has a test in `checkpoint`; `deci` is no
/// layout of Hugging Face's.
class FolderFamilyTest {
    private static final int LENGTH = 40;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource(
            value = Case.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"LLAMA", "DECI", "DECI_WITHOUT_FEED_FORWARD"})
    void givesTheLogitsOfTheSameGguf(Case family) {
        FamilyModel model = family.make();
        Path gguf = model.write(folder.resolve("model.gguf"), Families.VOCAB);
        Path huggingFace = model.writeFolder(folder.resolve("hf"), config(family), tensor -> export(family, tensor));

        float[] expected = logits(gguf);
        float[] actual = logits(huggingFace);

        float largest = 0;
        for (float logit : expected) {
            largest = Math.max(largest, Math.abs(logit));
        }
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("logit %d", i).isCloseTo(expected[i], within(3e-5f * largest));
        }
    }

    private static float[] logits(Path path) {
        try (ModelRun run = ModelRun.of(path, ModelLoader.Options.EXACT)) {
            return run.logitsAfter(new Random(3).ints(LENGTH, 0, 256).toArray());
        }
    }

    private static Stream<Tensor> export(Case family, Tensor tensor) {
        String name = tensor.name();
        return switch (family) {
            case LLAMA,
                    LLAMA_LINEAR,
                    LLAMA_YARN,
                    LLAMA_BIASES,
                    MISTRAL,
                    MIXTRAL,
                    DECI,
                    DECI_WITHOUT_FEED_FORWARD,
                    GRANITE,
                    SMOLLM3 -> adjacent(tensor);
            case QWEN2, QWEN3, QWEN3MOE, BITNET -> plain(tensor);
            case PHI3_SHORT, PHI3_LONG, PHI3_WINDOW ->
                name.startsWith("rope_factors") ? Stream.empty() : Stream.of(renamed(tensor, phi3(name)));
            case GEMMA -> gemma(tensor, huggingFace(name));
            case GEMMA2, GEMMA3 -> gemma(tensor, fourNorms(name));
            case GPT2 -> Stream.of(gpt2(tensor));
        };
    }

    private static Stream<Tensor> plain(Tensor tensor) {
        if (!tensor.name().contains("_exps")) {
            return Stream.of(renamed(tensor, huggingFace(tensor.name())));
        }
        int count = Math.toIntExact(tensor.shape().extents().getFirst());
        long rows = tensor.shape().rows() / count;
        return IntStream.range(0, count).mapToObj(i -> renamed(tensor.rows(i * rows, rows), expert(tensor.name(), i)));
    }

    private static String expert(String name, int index) {
        return name.replaceFirst(
                "^blk\\.(\\d+)\\.ffn_(\\w+)_exps", "model.layers.$1.mlp.experts." + index + ".$2_proj");
    }

    private static Stream<Tensor> adjacent(Tensor tensor) {
        String name = tensor.name();
        if (name.matches(".*attn_[qk]\\.(weight|bias)")) {
            return Stream.of(FamilyModel.halves(tensor, huggingFace(name), 16));
        }
        return plain(tensor).map(found -> renamed(found, mixtral(found.name())));
    }

    private static String mixtral(String name) {
        if (!name.contains("experts") && !name.contains("mlp.gate.")) {
            return name;
        }
        return name.replace("mlp", "block_sparse_moe")
                .replace("gate_proj", "w1")
                .replace("up_proj", "w3")
                .replace("down_proj", "w2");
    }

    private static Stream<Tensor> gemma(Tensor tensor, String name) {
        return Stream.of(name.endsWith("norm.weight") ? FamilyModel.shifted(tensor, name, -1) : renamed(tensor, name));
    }

    private static Tensor gpt2(Tensor tensor) {
        String name = tensor.name()
                .replaceFirst("^blk\\.", "transformer.h.")
                .replace("token_embd", "transformer.wte")
                .replace("position_embd", "transformer.wpe")
                .replace("output_norm", "transformer.ln_f")
                .replaceFirst("^output\\.", "lm_head.")
                .replace("attn_norm", "ln_1")
                .replace("ffn_norm", "ln_2")
                .replace("attn_qkv", "attn.c_attn")
                .replace("attn_output", "attn.c_proj")
                .replace("ffn_up", "mlp.c_fc")
                .replace("ffn_down", "mlp.c_proj");
        return name.matches(".*c_\\w+\\.weight") ? FamilyModel.transposed(tensor, name) : renamed(tensor, name);
    }

    private static String phi3(String name) {
        return huggingFace(name.replace("attn_qkv", "attn_fused").replace("ffn_up", "ffn_fused"))
                .replace("attn_fused", "self_attn.qkv_proj")
                .replace("ffn_fused", "mlp.gate_up_proj");
    }

    private static String fourNorms(String name) {
        return huggingFace(name.replace("ffn_norm", "pre_feedforward_layernorm")
                .replace("post_ffw_norm", "post_feedforward_layernorm")
                .replace("post_attention_norm", "post_attention_layernorm"));
    }

    private static String huggingFace(String name) {
        return name.replaceFirst("^blk\\.", "model.layers.")
                .replace("token_embd", "model.embed_tokens")
                .replace("output_norm", "model.norm")
                .replaceFirst("^output\\.", "lm_head.")
                .replaceFirst("\\.attn_norm", ".input_layernorm")
                .replaceFirst("\\.ffn_norm", ".post_attention_layernorm")
                .replaceFirst("attn_([qk])_norm", "self_attn.$1_norm")
                .replaceFirst("attn_sub_norm", "self_attn.attn_sub_norm")
                .replaceFirst("ffn_sub_norm", "mlp.ffn_sub_norm")
                .replaceFirst("attn_([qkv])\\.", "self_attn.$1_proj.")
                .replace("attn_output", "self_attn.o_proj")
                .replace("ffn_gate_inp", "mlp.gate")
                .replaceFirst("ffn_(gate|up|down)\\.", "mlp.$1_proj.");
    }

    private static Tensor renamed(Tensor tensor, String name) {
        return new Tensor(name, tensor.encoding(), tensor.shape(), tensor.data());
    }

    private static String config(Case family) {
        return switch (family) {
            case LLAMA, LLAMA_BIASES, DECI, DECI_WITHOUT_FEED_FORWARD ->
                common("llama", 2, 16, "\"tie_word_embeddings\": false");
            case LLAMA_LINEAR -> common("llama", 2, 16, """
                    "rope_scaling": {"type": "linear", "factor": 4.0}""");
            case LLAMA_YARN -> common("llama", 2, 16, """
                    "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}""");
            case MISTRAL -> common("mistral", 2, 16, """
                    "sliding_window": 7""");
            case MIXTRAL -> common("mixtral", 2, 16, """
                    "sliding_window": null, "num_local_experts": 6, "num_experts_per_tok": 2""");
            case GRANITE -> common("granite", 2, 16, """
                    "embedding_multiplier": 12, "residual_multiplier": 0.22, "attention_multiplier": 0.1,
                    "logits_scaling": 4""");
            case SMOLLM3 -> common("smollm3", 5, 16, """
                    "no_rope_layer_interval": 4, "no_rope_layers": [1, 1, 1, 0, 1]""");
            case QWEN2 -> common("qwen2", 2, 16, """
                    "use_sliding_window": false, "sliding_window": 4, "max_window_layers": 1""");
            case QWEN3 -> common("qwen3", 2, 32, "\"attention_bias\": false");
            case QWEN3MOE -> common("qwen3_moe", 2, 32, """
                    "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 48, "norm_topk_prob": true,
                    "decoder_sparse_step": 1, "mlp_only_layers": []""");
            case PHI3_SHORT -> phi3Config(64, 64);
            case PHI3_LONG -> phi3Config(16, 64);
            case PHI3_WINDOW -> phi3Config(16, 9);
            case GEMMA -> common("gemma", 2, 32, "\"hidden_act\": \"gelu\"");
            case GEMMA2 -> common("gemma2", 26, 32, """
                    "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 32, "sliding_window": 6,
                    "attn_logit_softcapping": 1.5, "final_logit_softcapping": 3.0""");
            case GEMMA3 ->
                common("gemma3_text", 26, 32, """
                    "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 32, "sliding_window": 6,
                    "rope_local_base_freq": 10000.0, "rope_scaling": {"rope_type": "linear", "factor": 8.0},
                    "layer_types": [%s]""".formatted(layerTypes())).replace("10000,", "1000000,");
            case BITNET -> common("bitnet", 2, 16, "\"hidden_act\": \"silu\"");
            case GPT2 -> """
                    {"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64, "n_inner": 96,
                     "vocab_size": 271, "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new"}""";
        };
    }

    private static String layerTypes() {
        String[] types = new String[26];
        Arrays.setAll(types, i -> i % 6 == 5 ? "\"full_attention\"" : "\"sliding_attention\"");
        return String.join(", ", types);
    }

    /// Factors as in [Families], and the magnitude there.
    private static String phi3Config(int trained, int window) {
        return common("phi3", 2, 16, """
                "sliding_window": %d, "original_max_position_embeddings": %d,
                "rope_scaling": {"type": "longrope", "attention_factor": 1.1, "long_factor": [1, 2, 3, 4, 5, 6, 7, 8],
                "short_factor": [1.0, 1.0, 1.0, 1.1, 1.2, 1.3, 1.5, 2.0]}""".formatted(window, trained));
    }

    private static String common(String modelType, int layers, int headDim, String rest) {
        return """
                {"model_type": "%s", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": %d,
                 "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": %d, "vocab_size": 271,
                 "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000,
                 %s}""".formatted(modelType, layers, headDim, rest);
    }
}
