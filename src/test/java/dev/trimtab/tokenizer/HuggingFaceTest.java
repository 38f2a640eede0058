package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.trimtab.SharedData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Encodings made by Hugging Face's tokenizers, for the models whose vocabulary is at hand.
class HuggingFaceTest {
    private static final String FOLDER = "vectors/tokenizers/hf-encoded/";
    private static final String GGML = "vectors/tokenizers/ggml-vocab/ggml-vocab-";

    static Stream<Arguments> articles() {
        return Stream.of(
                Arguments.of("gpt2_encoded_tokens", gguf("gpt-2")),
                Arguments.of("gpt2_encoded_tokens", json("gpt2")),
                Arguments.of("falcon_encoded", gguf("falcon")),
                Arguments.of("llama_encoded", gguf("llama-spm")),
                Arguments.of("llama_3.2_encoded", (Supplier<Tokenizer>) Vocabularies::llama3));
    }

    static Stream<Arguments> cases() {
        return Stream.of(
                Arguments.of("distilgpt2", gguf("gpt-2")),
                Arguments.of("tiiuae/falcon-7b", gguf("falcon")),
                Arguments.of("coreml-projects/Llama-2-7b-chat-coreml", gguf("llama-spm")),
                Arguments.of("pcuenq/Llama-3.2-1B-Instruct-tokenizer", (Supplier<Tokenizer>) Vocabularies::llama3));
    }

    /// The vocabularies of these are nowhere in the data.
    private static final Map<String, String> DO_NOT_COUNT = Map.of(
            "gemma_encoded", "Gemma's vocabulary is not there",
            "pcuenq/gemma-tokenizer", "Gemma's vocabulary is not there",
            "bert-base-uncased", "BERT's vocabulary is not there, nor is WordPiece read",
            "google-bert/bert-base-uncased", "BERT's vocabulary is not there, nor is WordPiece read",
            "distilbert/distilbert-base-multilingual-cased", "DistilBERT's vocabulary is not there",
            "openai/whisper-tiny.en", "Whisper's special tokens are not there",
            "openai/whisper-large-v2", "Whisper's vocabulary is not there",
            "t5-base", "T5's vocabulary is not there");

    @Test
    void knowsWhyACaseDoesNotCount() throws IOException {
        Set<String> known = Stream.concat(
                        Stream.of(articles(), cases()).flatMap(rows -> rows).map(arguments ->
                                (String) arguments.get()[0]),
                        DO_NOT_COUNT.keySet().stream())
                .collect(Collectors.toSet());
        Set<String> found = new HashSet<>();
        try (Stream<Path> files = Files.list(SharedData.path(FOLDER))) {
            files.map(path -> path.getFileName().toString().replace(".json", ""))
                    .filter(name -> !name.equals("tokenizer_tests"))
                    .forEach(found::add);
        }
        Vocabularies.tree(SharedData.path(FOLDER + "tokenizer_tests.json"))
                .fieldNames()
                .forEachRemaining(found::add);

        assertThat(known).isEqualTo(found);
    }

    private static Supplier<Tokenizer> json(String folder) {
        return () -> Vocabularies.huggingFace(SharedData.path("vectors/tokenizers/" + folder + "/tokenizer.json"));
    }

    private static Supplier<Tokenizer> gguf(String name) {
        return () -> Vocabularies.gguf(GGML + name + ".gguf");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("articles")
    void encodesAnArticle(String name, Supplier<Tokenizer> source) {
        Tokenizer tokenizer = source.get();
        JsonNode article = Vocabularies.tree(SharedData.path(FOLDER + name + ".json"));

        int[] ids = tokenizer.encodePrompt(article.get("text").asText(), Tokenizer.ControlTokens.AS_TEXT);

        assertThat(ids).containsExactly(ids(article.get("token_ids")));
        assertThat(tokenizer.decode(ids)).isEqualTo(article.get("text").asText());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void encodesShortTexts(String name, Supplier<Tokenizer> source) {
        Tokenizer tokenizer = source.get();
        JsonNode cases = Vocabularies.tree(SharedData.path(FOLDER + "tokenizer_tests.json"))
                .get(name);

        SoftAssertions softly = new SoftAssertions();
        for (JsonNode each : cases) {
            String text = each.get("input").asText();
            softly.assertThat(tokenizer.encodePrompt(text, Tokenizer.ControlTokens.PARSE))
                    .as("ids of '%s'", text)
                    .containsExactly(ids(each.get("encoded").get("input_ids")));
        }
        softly.assertAll();
    }

    private static int[] ids(JsonNode array) {
        return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
    }
}
