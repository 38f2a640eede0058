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
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Files and checkpoints that others made: broken ones get the suggested verdict, real ones are read.
class GgufConformanceTest {
    /// Files with quantized tensors that lack the pair which ggml asks for; two of them end in bytes of
    /// no tensor.
    private static final Set<String> WITHOUT_QUANTIZATION_VERSION =
            Set.of("ggml_quant_vectors.gguf", "valid_v3.gguf", "valid_v3_trailing_bytes.gguf", "valid_align64.gguf");

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

    @TestFactory
    Stream<DynamicTest> opensEveryCheckpointAndVocabulary() throws IOException {
        List<Path> files = new ArrayList<>();
        for (String folder : List.of("models", "vectors/tokenizers/ggml-vocab")) {
            try (Stream<Path> found = Files.find(SharedData.path(folder), 3, (path, _) -> isGguf(path))) {
                found.sorted().forEach(files::add);
            }
        }

        assertThat(files).hasSizeGreaterThan(10);
        return files.stream()
                .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> {
                    try (Checkpoint checkpoint = Checkpoint.open(file)) {
                        String family = checkpoint.metadata().string("general.architecture");
                        assertThat(checkpoint.metadata().strings("tokenizer.ggml.tokens"))
                                .as(family)
                                .isNotEmpty();
                    }
                }));
    }

    /// To the same bytes, but for what [GgufWriter#copyOf] says it changes, and zeros after the pairs of
    /// vocabularies without tensors.
    @TestFactory
    Stream<DynamicTest> copiesEveryGoodFile() throws IOException {
        List<Path> files = new ArrayList<>();
        for (String folder : List.of("models", "vectors/tokenizers/ggml-vocab", "vectors/gguf")) {
            try (Stream<Path> found = Files.find(SharedData.path(folder), 3, (path, _) -> isGguf(path))) {
                found.sorted()
                        .filter(path -> !path.toString().contains("malformed"))
                        .forEach(files::add);
            }
        }
        Path malformed = SharedData.path("vectors/gguf/malformed");
        verdicts(malformed.resolve("manifest.json")).forEach((file, verdict) -> {
            if (verdict.equals("accept")) {
                files.add(malformed.resolve(file));
            }
        });

        assertThat(files).hasSizeGreaterThan(15);
        return files.stream()
                .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> checkCopy(file)));
    }

    private static void checkCopy(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            byte[] copy = GgufWriter.copyOf(checkpoint).toBytes();
            String name = file.getFileName().toString();
            if (name.startsWith("ggml-vocab-")) {
                assertThat(copy).startsWith(bytes).hasSizeLessThan(bytes.length + 32);
            } else if (WITHOUT_QUANTIZATION_VERSION.contains(name)) {
                assertSameButForQuantizationVersion(Checkpoint.of("copy", MemorySegment.ofArray(copy)), checkpoint);
            } else {
                assertThat(Arrays.mismatch(copy, bytes)).isEqualTo(-1);
            }
        }
    }

    private static void assertSameButForQuantizationVersion(Checkpoint copy, Checkpoint original) {
        Map<String, MetadataValue> pairs = new LinkedHashMap<>(copy.metadata().values());
        assertThat(pairs.remove("general.quantization_version"))
                .isEqualTo(new MetadataValue.Whole(ValueType.UINT32, 2));
        assertThat(pairs)
                .usingRecursiveComparison()
                .isEqualTo(original.metadata().values());
        assertThat(List.copyOf(copy.tensors().keySet()))
                .isEqualTo(List.copyOf(original.tensors().keySet()));
        copy.tensors()
                .forEach((name, tensor) -> assertThat(
                                tensor.data().mismatch(original.tensor(name).data()))
                        .isEqualTo(-1));
    }

    private static boolean isGguf(Path path) {
        return path.toString().endsWith(".gguf");
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
