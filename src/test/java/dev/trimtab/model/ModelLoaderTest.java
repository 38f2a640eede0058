package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.FamilyModel;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.model.Families.Case;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a load refuses: tensors that the wiring would ignore, and files that contradict themselves.
class ModelLoaderTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "QWEN2, blk.0.attn_norm.bias",
        "LLAMA, blk.1.attn_q_norm.weight",
        "GEMMA3, blk.26.attn_norm.weight",
        "QWEN3MOE, blk.0.ffn_gate_shexp.weight",
        "GPT2, blk.0.ffn_gate.weight",
        "LLAMA, v.patch_embd.weight"
    })
    void refusesATensorThatWouldBeIgnored(Case family, String tensor) {
        FamilyModel model = family.make().random(tensor, 0, 1, 64);

        assertThatThrownBy(() -> load(model)).isInstanceOf(Unsupported.class).hasMessageContaining(tensor);
    }

    @ParameterizedTest
    @CsvSource({
        "QWEN3, blk.1.attn_k_norm.weight",
        "GEMMA2, blk.0.post_ffw_norm.weight",
        "BITNET, blk.1.ffn_sub_norm.weight",
        "GPT2, blk.0.attn_norm.bias",
        "GPT2, position_embd.weight",
        "MIXTRAL, blk.0.ffn_gate_inp.weight"
    })
    void saysWhichTensorIsMissing(Case family, String tensor) {
        FamilyModel model = family.make().without(tensor);

        assertThatThrownBy(() -> load(model))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining(tensor + " is missing");
    }

    @Test
    void refusesExpertsOfAnotherShape() {
        FamilyModel model = Case.MIXTRAL.make().matrix("blk.0.ffn_up_exps.weight", 5, 96, 64);

        assertThatThrownBy(() -> load(model))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("blk.0.ffn_up_exps.weight: expected [6, 96, 64], found [5, 96, 64]");
    }

    @ParameterizedTest
    @CsvSource({
        "MIXTRAL, expert_used_count, 7, an integer in 1..6",
        "MIXTRAL, expert_count, 100000, an integer in 0..1024",
        "GEMMA2, attention.value_length, 8, 8 where keys have 32",
        "LLAMA, rope.dimension_count, 3, an even number",
        "LLAMA, attention.head_count_kv, 3, a multiple of its 3 KV heads",
        "LLAMA, attention.head_count, 0, an integer in 1..",
        "LLAMA, feed_forward_length, 0, an integer in 1..",
        "GRANITE, logit_scale, 0, a number other than 0"
    })
    void refusesNumbersThatCannotBe(Case family, String key, int value, String message) {
        FamilyModel model = family.make().whole(key, value);

        assertThatThrownBy(() -> load(model))
                .isInstanceOfAny(BadCheckpoint.class, Unsupported.class)
                .hasMessageContaining(message);
    }

    @Test
    void refusesAModelWithoutAnyAttention() {
        FamilyModel model = Case.DECI.make().wholes("attention.head_count_kv", 0, 0, 0, 0, 0);

        assertThatThrownBy(() -> load(model))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("no layer has attention");
    }

    @Test
    void refusesLayersThatAreNotCounted() {
        FamilyModel model = Case.DECI.make().wholes("feed_forward_length", 96, 64, 96, 32);

        assertThatThrownBy(() -> load(model))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("expected 5 entries, found 4");
    }

    private void load(FamilyModel model) {
        Path file = model.write(folder.resolve("model.gguf"), Families.VOCAB);
        ModelRun.of(file, ModelLoader.Options.EXACT).close();
    }
}
