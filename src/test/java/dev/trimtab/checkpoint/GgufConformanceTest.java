package dev.trimtab.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.trimtab.SharedData;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Files and checkpoints that others made: broken ones get the suggested verdict, real ones are read.
class GgufConformanceTest {
    @TestFactory
    Stream<DynamicTest> givesEachMalformedFileItsVerdict() throws IOException {
        Path folder = SharedData.path("vectors/gguf/malformed");
        Map<String, String> verdicts = verdicts(folder.resolve("manifest.json"));

        assertThat(verdicts).hasSizeGreaterThan(30);
        return verdicts.entrySet().stream()
                .map(entry -> DynamicTest.dynamicTest(
                        entry.getKey(), () -> checkVerdict(folder.resolve(entry.getKey()), entry.getValue())));
    }

    @Test
    void refusesTheRemovedEncodingWithItsNumberAndTensor() {
        Path file = SharedData.path("vectors/gguf/malformed/type_removed_4.gguf");

        assertThatThrownBy(() -> Checkpoint.open(file))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("a.weight")
                .hasMessageContaining("number 4");
    }

    @ParameterizedTest
    @CsvSource({
        "models/demo/trimtab-demo-4m-f16.gguf, 56, F16, 2560, 256",
        "models/TinyStories-656K/TinyStories-656K.Q4_0.gguf, 20, Q4_0, 2048, 128",
        "models/TinyStories-656K/TinyStories-656K.BF16.gguf, 20, BF16, 2048, 128",
    })
    void readsRealCheckpoints(String file, int tensors, Encoding encoding, long vocabSize, long hiddenSize) {
        Path path = SharedData.path(file);

        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            assertThat(checkpoint.tensors()).hasSize(tensors);
            assertThat(checkpoint.tensor("token_embd.weight").shape()).isEqualTo(Shape.of(vocabSize, hiddenSize));
            assertThat(checkpoint.tensor("token_embd.weight").encoding()).isEqualTo(encoding);
            assertThat(checkpoint.metadata().string("general.architecture")).isEqualTo("llama");
            assertThat(checkpoint.metadata().strings("tokenizer.ggml.tokens")).hasSize((int) vocabSize);
        }
    }

    private static void checkVerdict(Path file, String verdict) {
        switch (verdict) {
            case "accept" -> Checkpoint.open(file).close();
            case "reject" ->
                assertThatThrownBy(() -> Checkpoint.open(file))
                        .isInstanceOfAny(BadCheckpoint.class, Unsupported.class)
                        .hasMessageContaining(file.getFileName().toString());
            default -> {
                try (Checkpoint checkpoint = Checkpoint.open(file)) {
                    assertThat(checkpoint.tensors()).isNotNull();
                } catch (TrimtabException e) {
                    assertThat(e).isInstanceOfAny(BadCheckpoint.class, Unsupported.class);
                }
            }
        }
    }

    private static Map<String, String> verdicts(Path manifest) throws IOException {
        Map<String, String> verdicts = new LinkedHashMap<>();
        try (JsonParser parser = new JsonFactory().createParser(manifest.toFile())) {
            String file = "";
            while (parser.nextToken() != null) {
                if (parser.currentToken() == JsonToken.VALUE_STRING && "file".equals(parser.currentName())) {
                    file = parser.getText();
                } else if (parser.currentToken() == JsonToken.VALUE_STRING
                        && "suggested".equals(parser.currentName())) {
                    verdicts.put(file, parser.getText());
                }
            }
        }
        return verdicts;
    }
}
