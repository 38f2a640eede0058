package dev.trimtab.checkpoint.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.checkpoint.safetensors.SafetensorsReader;
import dev.trimtab.checkpoint.safetensors.SafetensorsWriter;
import dev.trimtab.checkpoint.safetensors.TestSafetensors;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Unsupported;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Folders of which one JSON file is broken in every way a seed finds end in a failure with a name, or
/// in a load, never in anything else. The weights' own headers are `SafetensorsReaderTest`'s.
class ModelFolderCorruptionTest {
    private static final Duration TIME_MAX = Duration.ofSeconds(2);
    private static final String INDEX = "model.safetensors.index.json";

    @TempDir
    private Path folder;

    @BeforeEach
    void writeModel() throws IOException {
        TestSafetensors.llama(TestCheckpoints.llama().layers(1).open(), folder);
        byte[] bytes = Files.readAllBytes(folder.resolve("model.safetensors"));
        SafetensorsWriter writer = new SafetensorsWriter();
        SafetensorsReader.read("t", MemorySegment.ofArray(bytes))
                .tensors()
                .values()
                .forEach(writer::tensor);
        writer.writeSharded(folder, 40_000);
        Files.delete(folder.resolve("model.safetensors"));
        Files.writeString(
                folder.resolve("tokenizer_config.json"), "{\"chat_template\": \"t\", \"add_bos_token\": true}");
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [1, 2], \"temperature\": 0.6}");
    }

    @ParameterizedTest
    @ValueSource(strings = {INDEX, "config.json", "tokenizer_config.json", "generation_config.json"})
    void namesWhatFlippedBytesBreak(String file) throws IOException {
        Path path = folder.resolve(file);
        byte[] whole = Files.readAllBytes(path);
        Random random = new Random(1);
        int refused = 0;

        for (int trial = 0; trial < 300; trial++) {
            byte[] broken = whole.clone();
            for (int flip = 0; flip <= random.nextInt(3); flip++) {
                broken[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(path, broken);
            refused += isRefused() ? 1 : 0;
        }

        assertThat(refused).isGreaterThan(100);
    }

    @ParameterizedTest
    @ValueSource(strings = {INDEX, "config.json", "tokenizer_config.json", "generation_config.json"})
    void refusesTheFileCutAnywhere(String file) throws IOException {
        Path path = folder.resolve(file);
        byte[] whole = Files.readString(path).strip().getBytes(StandardCharsets.UTF_8);

        for (int size = 0; size < whole.length; size += 1 + whole.length / 300) {
            Files.write(path, Arrays.copyOf(whole, size));

            assertThat(isRefused()).as("%s cut to %d bytes", file, size).isTrue();
        }
        Files.write(path, whole);
        assertThat(isRefused()).isFalse();
    }

    /// Hostile numbers where a size is expected.
    @ParameterizedTest
    @ValueSource(
            strings = {"-1", "0", "1e400", "9223372036854775808", "2147483648", "null", "[]", "{}", "\"x\"", "1.5"})
    void namesSizesThatAreNone(String value) throws IOException {
        Path path = folder.resolve("config.json");
        String whole = Files.readString(path);
        for (String key : new String[] {"hidden_size", "num_attention_heads", "num_hidden_layers"}) {
            Files.writeString(path, whole.replaceFirst("\"" + key + "\": \\d+", "\"" + key + "\": " + value));

            isRefused();
        }
    }

    @Test
    void refusesJsonNestedBeyondReason() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"a\": " + "[".repeat(100_000));

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("config.json");
    }

    /// Hugging Face's own cache keeps files elsewhere and links to them.
    @Test
    void followsALinkThatTheOperatorMade(@TempDir Path elsewhere) throws IOException {
        Path target = elsewhere.resolve("blob");
        String index = Files.readString(folder.resolve(INDEX));
        Path shard = folder.resolve(index.replaceAll("(?s).*\"(model-00001-of-\\d+\\.safetensors)\".*", "$1"));
        Files.move(shard, target);
        Files.createSymbolicLink(shard, target);

        assertThat(isRefused()).isFalse();
    }

    private boolean isRefused() {
        long start = System.nanoTime();
        boolean refused = false;
        try {
            Checkpoint.open(folder).close();
        } catch (BadCheckpoint | Unsupported | NotFound e) {
            assertThat(e.getMessage()).contains(folder.toString()).hasSizeLessThan(1500);
            refused = true;
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(TIME_MAX);
        return refused;
    }
}
