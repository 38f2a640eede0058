package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Hard texts as SentencePiece itself encodes them.
class SharedEncodingsTest {
    private static final String FOLDER = "vectors/tokenizers/";
    private static final Path ENCODINGS = Path.of("src", "test", "resources", "tokenizer", "shared-encodings.jsonl");

    static Stream<Arguments> tokenizers() {
        return Stream.of(
                Arguments.of("sp-llama2", sentencePiece("llama2/tokenizer.model")),
                Arguments.of("sp-mistral7", sentencePiece("mistral/mistral_instruct_tokenizer_241114.model.v7")),
                Arguments.of("sp-test", sentencePiece("sentencepiece/test_model.model")),
                Arguments.of("sp-ja", sentencePiece("sentencepiece/test_ja_model.model")));
    }

    private static Supplier<Tokenizer> sentencePiece(String model) {
        return () -> Vocabularies.sentencePiece(FOLDER + model);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("tokenizers")
    void encodesAsTheReference(String model, Supplier<Tokenizer> source) throws IOException {
        Tokenizer tokenizer = source.get();
        ObjectMapper mapper = new ObjectMapper();

        SoftAssertions softly = new SoftAssertions();
        int count = 0;
        for (String line : Vocabularies.text(ENCODINGS).lines().toList()) {
            JsonNode each = mapper.readTree(line);
            if (each.get("model").asText().equals(model)) {
                JsonNode ids = each.get("ids");
                String text = each.get("text").asText();
                softly.assertThat(tokenizer.encode(text, Tokenizer.ControlTokens.AS_TEXT))
                        .as("ids of '%s'", text)
                        .containsExactly(IntStream.range(0, ids.size())
                                .map(i -> ids.get(i).asInt())
                                .toArray());
                count++;
            }
        }
        softly.assertAll();
        assertThat(count).isEqualTo(40);
    }
}
