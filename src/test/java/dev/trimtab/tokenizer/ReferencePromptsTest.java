package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.trimtab.SharedData;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The prompts, and the texts generated from them, that an independent forward pass recorded.
class ReferencePromptsTest {
    @ParameterizedTest
    @CsvSource({
        "stories260K, models/stories260K/stories260K.F16.gguf",
        "stories260K, models/stories260K/stories260Ktok512.gguf",
        "TinyStories-656K, models/TinyStories-656K/TinyStories-656K.F32.gguf"
    })
    void encodesPromptsAndDecodesWhatFollowed(String model, String file) {
        Tokenizer tokenizer = Vocabularies.gguf(file);
        JsonNode runs = Vocabularies.tree(SharedData.path("models/reference_outputs.json"))
                .get("models")
                .get(model)
                .get("greedy");

        for (JsonNode run : runs) {
            int[] prompt = ids(run.get("prompt_ids"));
            int[] all = IntStream.concat(IntStream.of(prompt), IntStream.of(ids(run.get("greedy_ids"))))
                    .toArray();
            assertThat(tokenizer.encodePrompt(run.get("prompt").asText(), Tokenizer.ControlTokens.AS_TEXT))
                    .containsExactly(prompt);
            assertThat(tokenizer.decode(all)).isEqualTo(run.get("greedy_text").asText());
        }
    }

    private static int[] ids(JsonNode array) {
        return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
    }
}
