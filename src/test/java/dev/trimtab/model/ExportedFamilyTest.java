package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.export.Exports;
import dev.trimtab.error.Unsupported;
import dev.trimtab.model.Families.Case;
import dev.trimtab.oracle.LlamaCpp;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What is left of random models of every family, as llama.cpp computes it.
class ExportedFamilyTest {
    private static final String ATTENTION = "prune: [{method: magnitude, ratio: 0.5, targets: [attn], align: 1}]";
    private static final String FEED_FORWARD = "prune: [{method: magnitude, ratio: 0.5, targets: [ffn], align: 16}]";
    private static final int[] IDS = new Random(3).ints(20, 0, 256).toArray();

    /// GELU is a table of f16 in llama.cpp.
    private static final double TOLERANCE = 3e-3;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource(
            value = Case.class,
            names = {
                "LLAMA",
                "LLAMA_YARN",
                "LLAMA_BIASES",
                "DECI",
                "GRANITE",
                "QWEN2",
                "PHI3_SHORT",
                "GEMMA",
                "GEMMA2",
                "GEMMA3",
                "GPT2"
            })
    void losesNeurons(Case family) {
        assertSameLogits(family, FEED_FORWARD);
    }

    @ParameterizedTest
    @EnumSource(
            value = Case.class,
            names = {"LLAMA", "GRANITE", "GEMMA", "GEMMA2", "GEMMA3"})
    void losesHeads(Case family) {
        assertSameLogits(family, ATTENTION);
    }

    private void assertSameLogits(Case family, String recipe) {
        Path file = folder.resolve("smaller.gguf");

        new Exports(family.make().write(folder.resolve("model.gguf"), Families.VOCAB), recipe).gguf(file);

        try (ModelRun ours = ModelRun.of(file, ModelLoader.Options.EXACT);
                LlamaCpp theirs = LlamaCpp.open(file, Families.CONTEXT)) {
            float[] expected = theirs.logits(IDS)[IDS.length - 1];
            float[] found = ours.logitsAfter(IDS);
            for (int i = 0; i < expected.length; i++) {
                assertThat((double) found[i]).as("logit %d", i).isCloseTo(expected[i], within(TOLERANCE));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Case.class,
            names = {"LLAMA_BIASES", "QWEN2", "PHI3_SHORT", "GPT2", "BITNET"})
    void saysWhereLlamaCppKnowsNoFewerHeads(Case family) {
        Exports exports = new Exports(family.make().write(folder.resolve("model.gguf"), Families.VOCAB), ATTENTION);

        assertThatThrownBy(() -> exports.gguf(folder.resolve("smaller.gguf")))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("prune the feed-forward only");
    }

    @ParameterizedTest
    @EnumSource(
            value = Case.class,
            names = {"QWEN2", "PHI3_SHORT", "GEMMA"})
    void saysWhereLlamaCppKnowsNoLayersOfDifferentSizes(Case family) {
        String recipe = FEED_FORWARD.replace("align", "layers: 1-2, align");
        Exports exports = new Exports(family.make().write(folder.resolve("model.gguf"), Families.VOCAB), recipe);

        assertThatThrownBy(() -> exports.gguf(folder.resolve("smaller.gguf")))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("layers of different sizes");
    }
}
