package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Trained checkpoints against an independent float64 forward pass (`models/reference_outputs.json`).
class GoldenTest {
    private static final String MINI_BIT = "mini_bit_3M (int8 activations as in the original)";

    /// Tolerances: float sums in another order than the oracle's. It rounds BitNet's activations in some way of
    /// its own, which moves logits by up to 0.05, as much as rounding does at all; the text stays.
    @ParameterizedTest
    @CsvSource({
        "stories260K, models/stories260K/stories260Ktok512.gguf, 0.001",
        "TinyStories-656K, models/TinyStories-656K/TinyStories-656K.F32.gguf, 0.001",
        MINI_BIT + ", models/mini_bit_3M, 0.1"
    })
    void givesTheOraclesLogitsAndGreedyIdsAtF32(String name, String file, double tolerance) throws IOException {
        JsonNode golden = reference(name);
        assertThat(golden.path("greedy")).isNotEmpty();

        try (ModelRun run = ModelRun.of(SharedData.path(file), ModelLoader.Options.EXACT)) {
            for (JsonNode example : golden.path("greedy")) {
                int[] prompt = ids(example.path("prompt_ids"));

                float[] logits = run.restart().logitsAfter(prompt);

                for (JsonNode pair : example.path("last_logits_top10")) {
                    assertThat((double) logits[pair.get(0).asInt()])
                            .isCloseTo(pair.get(1).asDouble(), within(tolerance));
                }
                int[] greedy = ids(example.path("greedy_ids"));
                assertThat(run.greedy(prompt, greedy.length)).isEqualTo(greedy);
            }
        }
    }

    /// The rounding itself, as the paper has it, on trained weights.
    @Test
    void roundsBitNetsActivationsLikeTheFloat64Pass() throws IOException {
        Path folder = SharedData.path("models/mini_bit_3M");
        int[] prompt = ids(reference(MINI_BIT).path("greedy").path(0).path("prompt_ids"));

        try (Checkpoint checkpoint = Checkpoint.open(folder);
                ModelRun run = ModelRun.of(folder, ModelLoader.Options.EXACT)) {
            double[] expected = new ReferencePass(checkpoint).logits(prompt)[prompt.length - 1];
            float[] logits = run.logitsAfter(prompt);

            for (int id = 0; id < expected.length; id++) {
                assertThat((double) logits[id]).isCloseTo(expected[id], within(1e-3));
            }
        }
    }

    static JsonNode reference(String model) throws IOException {
        JsonNode reference = new ObjectMapper()
                .readTree(SharedData.path("models/reference_outputs.json").toFile());
        return reference.path("models").path(model);
    }

    private static int[] ids(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = array.get(i).asInt();
        }
        assertThat(ids).isNotEmpty();
        return ids;
    }
}
