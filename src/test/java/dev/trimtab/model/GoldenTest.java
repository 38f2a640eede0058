package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.SharedData;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Trained checkpoints against an independent float64 forward pass (`models/reference_outputs.json`).
class GoldenTest {
    /// Float sums in another order than the oracle's.
    private static final double LOGIT_TOLERANCE = 1e-3;

    @ParameterizedTest
    @CsvSource({
        "stories260K, models/stories260K/stories260Ktok512.gguf",
        "TinyStories-656K, models/TinyStories-656K/TinyStories-656K.F32.gguf"
    })
    void givesTheOraclesLogitsAndGreedyIdsAtF32(String name, String file) throws IOException {
        JsonNode golden = reference(name);

        try (ModelRun run = ModelRun.of(SharedData.path(file), ModelLoader.Options.EXACT)) {
            for (JsonNode example : golden.path("greedy")) {
                int[] prompt = ids(example.path("prompt_ids"));

                float[] logits = run.restart().logitsAfter(prompt);

                for (JsonNode pair : example.path("last_logits_top10")) {
                    assertThat((double) logits[pair.get(0).asInt()])
                            .isCloseTo(pair.get(1).asDouble(), within(LOGIT_TOLERANCE));
                }
                int[] greedy = ids(example.path("greedy_ids"));
                assertThat(run.greedy(prompt, greedy.length)).isEqualTo(greedy);
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
