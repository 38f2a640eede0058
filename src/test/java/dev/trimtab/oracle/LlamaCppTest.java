package dev.trimtab.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.kernel.Activations;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.ModelRun;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The oracle itself: that it and our forward pass agree on models for which both are known to be right.
class LlamaCppTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final String PROMPT =
            "<|im_start|>user\nWhat is the capital of Norway?<|im_end|>\n<|im_start|>assistant\n";

    /// F32 weights: sums in another order.
    private static final float F32_TOLERANCE = 1e-4f;

    /// F16 weights: llama.cpp rounds activations to f16 before each product, 2^-11 of their size, in 8 layers.
    private static final float F16_TOLERANCE = 5e-2f;

    @TempDir
    private Path folder;

    @Test
    void agreesWithOurForwardPassOnF32Weights() {
        Path file = SharedData.path("models/TinyStories-656K/TinyStories-656K.F32.gguf");

        assertSameLogits(file, "Once upon a time, there was a little girl named Lily.", F32_TOLERANCE);
    }

    @Test
    void agreesWithOurForwardPassOnTheEmbeddedModel() {
        assertSameLogits(DEMO, PROMPT, F16_TOLERANCE);
    }

    private static void assertSameLogits(Path file, String text, float tolerance) {
        try (Checkpoint checkpoint = Checkpoint.open(file);
                ModelRun ours = ModelRun.of(checkpoint, ModelLoader.Options.EXACT);
                LlamaCpp theirs = LlamaCpp.open(file, 128)) {
            int[] ids = Tokenizer.of(checkpoint.metadata()).encodePrompt(text, ControlTokens.PARSE);

            float[][] expected = theirs.logits(ids);
            Activations found = ours.append(ids);

            assertThat(expected).hasNumberOfRows(ids.length);
            for (int token = 0; token < ids.length; token++) {
                for (int i = 0; i < expected[token].length; i++) {
                    assertThat(found.values()[token * found.stride() + i])
                            .as("token %d, logit %d", token, i)
                            .isCloseTo(expected[token][i], within(tolerance));
                }
            }
            assertThat(theirs.greedy(ids, 8)).isEqualTo(ours.greedy(ids, 8));
        }
    }

    @Test
    void sameSequenceGivesTheSameBitsWhateverRanBefore() {
        try (LlamaCpp model = LlamaCpp.open(DEMO, 64)) {
            float[][] first = model.logits(1, 2, 3);
            model.logits(500, 600);
            float[][] again = model.logits(1, 2, 3);

            assertThat(again).isDeepEqualTo(first);
        }
    }

    @Test
    void tokenizesAndBack() {
        try (LlamaCpp model = LlamaCpp.openVocabulary(DEMO);
                Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            int[] ids = model.tokenize(PROMPT, LlamaCpp.Special.PARSE);
            int[] text = model.tokenize(PROMPT, LlamaCpp.Special.NONE);

            assertThat(ids).isEqualTo(Tokenizer.of(checkpoint.metadata()).encode(PROMPT, ControlTokens.PARSE));
            assertThat(text).hasSizeGreaterThan(ids.length);
            assertThat(model.detokenize(ids)).isEqualTo(PROMPT);
            assertThat(model.vocabSize())
                    .isEqualTo(Tokenizer.of(checkpoint.metadata()).vocabulary().size());
            assertThatThrownBy(() -> model.logits(1)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void saysWhyItDoesNotLoadAFile() throws Exception {
        Path file = Files.writeString(folder.resolve("bad.gguf"), "this is no GGUF file");

        assertThatThrownBy(() -> LlamaCpp.open(file, 8))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("bad.gguf")
                .hasMessageContaining("failed to load model");
    }

    @Test
    void refusesTokensItDoesNotHaveAndSequencesThatAreTooLong() {
        try (LlamaCpp model = LlamaCpp.open(DEMO, 32)) {
            assertThatThrownBy(() -> model.logits(1_000_000)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> model.logits(new int[33])).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
