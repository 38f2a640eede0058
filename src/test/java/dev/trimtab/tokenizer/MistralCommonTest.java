package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.trimtab.SharedData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Mistral's own rendering of conversations into tokens.
class MistralCommonTest {
    private static final String MODELS = "vectors/tokenizers/mistral/";
    private static final String SAMPLES = "vectors/templates/mistral-common/samples/";

    /// Eleven recordings are there, and each is a row below.
    @Test
    void knowsEveryRecording() throws IOException {
        try (Stream<Path> files = Files.walk(SharedData.path(SAMPLES))) {
            assertThat(files.filter(path -> path.getFileName().toString().startsWith("tokens_v")))
                    .hasSize(11);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "v1, tokenizer.model.v1, no_tools",
        "v2, mistral_instruct_tokenizer_240216.model.v2, no_tools",
        "v2, mistral_instruct_tokenizer_240216.model.v2, get_weather_full",
        "v2, mistral_instruct_tokenizer_240216.model.v2, get_weather_no_history",
        "v2, mistral_instruct_tokenizer_240216.model.v2, get_weather_no_system_prompt",
        "v2, mistral_instruct_tokenizer_240216.model.v2, parallel_calls",
        "v3, mistral_instruct_tokenizer_240323.model.v3, no_tools",
        "v3, mistral_instruct_tokenizer_240323.model.v3, get_weather_full",
        "v3, mistral_instruct_tokenizer_240323.model.v3, get_weather_no_history",
        "v3, mistral_instruct_tokenizer_240323.model.v3, get_weather_no_system_prompt",
        "v3, mistral_instruct_tokenizer_240323.model.v3, parallel_calls"
    })
    void encodesConversations(String version, String model, String sample) {
        Tokenizer tokenizer = Vocabularies.sentencePiece(MODELS + model);
        String pieces = Vocabularies.text(SharedData.path(SAMPLES + sample + "/text_" + version + ".txt"));
        JsonNode tokens = Vocabularies.tree(SharedData.path(SAMPLES + sample + "/tokens_" + version + ".json"))
                .get("tokens");
        String controls = version.equals("v1")
                ? "(</?s>)[▁ ]"
                : "(</?s>|\\[/?INST]|\\[TOOL_CALLS]|\\[/?TOOL_RESULTS]|\\[/?AVAILABLE_TOOLS])[▁ ]";
        String text = pieces.replaceAll(controls, "$1").replace("<0x0A>", "\n").replace('▁', ' ');

        assertThat(tokenizer.encodePrompt(text, Tokenizer.ControlTokens.PARSE))
                .containsExactly(IntStream.range(0, tokens.size())
                        .map(i -> tokens.get(i).asInt())
                        .toArray());
    }
}
