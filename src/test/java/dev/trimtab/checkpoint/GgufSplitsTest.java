package dev.trimtab.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.NotFound;
import dev.trimtab.tensor.Encoding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GgufSplitsTest {
    @TempDir
    private Path folder;

    @Test
    void joinsTheTensorsOfAllFilesInOrder() {
        write(0, "a");
        write(1, "b");
        write(2, "c");

        try (Checkpoint checkpoint = Checkpoint.open(file(0))) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("a", "b", "c");
            assertThat(checkpoint.metadata().string("general.architecture")).isEqualTo("llama");
        }
    }

    @Test
    void refusesToBeginWithAnyFileButTheFirst() {
        write(0, "a");
        write(1, "b");

        assertThatThrownBy(() -> Checkpoint.open(file(1)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("split.no: expected an integer in 0..0, found 1");
    }

    @Test
    void namesAMissingFile() {
        write(0, "a");
        write(2, "c");

        assertThatThrownBy(() -> Checkpoint.open(file(0)))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("m-00002-of-00003.gguf");
    }

    @Test
    void refusesATensorThatComesTwiceOrTooFewOfThem() {
        write(0, "a");
        write(1, "a");
        assertThatThrownBy(() -> Checkpoint.open(file(0)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("tensor a");

        write(1);
        write(2, "c");
        assertThatThrownBy(() -> Checkpoint.open(file(0)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("split.tensors.count: expected 3, found 2");
    }

    @Test
    void refusesAFileWhoseNameDoesNotTellItsSiblings() throws IOException {
        write(0, "a");
        Path renamed = folder.resolve("m.gguf");
        Files.move(file(0), renamed, StandardCopyOption.REPLACE_EXISTING);

        assertThatThrownBy(() -> Checkpoint.open(renamed))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("expected NAME-00001-of-00003.gguf, found m.gguf");
    }

    @Test
    void refusesFilesInAnotherOrder() throws IOException {
        write(0, "a");
        write(1, "b");
        write(2, "c");
        Files.move(file(1), folder.resolve("t"));
        Files.move(file(2), file(1));
        Files.move(folder.resolve("t"), file(2));

        assertThatThrownBy(() -> Checkpoint.open(file(0)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("m-00002-of-00003.gguf: metadata split.no: expected an integer in 1..1, found 2");
    }

    @Test
    void refusesAFileOfAnotherSplitOrOfNone() {
        write(0, "a");
        write(2, "c");
        writer(1, 4, "b").write(file(1));
        assertThatThrownBy(() -> Checkpoint.open(file(0)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("split.count: expected an integer in 3..3, found 4");

        new GgufWriter().tensor(TestTensors.tensor("b", Encoding.F32, 4, 2)).write(file(1));
        assertThatThrownBy(() -> Checkpoint.open(file(0)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("m-00002-of-00003.gguf: metadata split.no: expected a value, found none");
    }

    @Test
    void namesTheFileThatIsCut() throws IOException {
        write(0, "a");
        write(1, "b");
        write(2, "c");
        Files.write(file(2), Arrays.copyOf(Files.readAllBytes(file(2)), 100));

        assertThatThrownBy(() -> Checkpoint.open(file(0)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("m-00003-of-00003.gguf");
    }

    @ParameterizedTest
    @CsvSource({"65535, expected an integer in 0..1024", "1025, expected an integer in 0..1024"})
    void refusesMoreFilesThanAnyModelHas(int count, String message) {
        writer(0, count, "a").write(file(0));

        assertThatThrownBy(() -> Checkpoint.open(file(0)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining(message);
    }

    @Test
    void readsASplitOfOneFileAsWhole() {
        writer(0, 1, "a").write(file(0));

        try (Checkpoint checkpoint = Checkpoint.open(file(0))) {
            assertThat(checkpoint.tensors()).containsOnlyKeys("a");
        }
    }

    private Path file(int number) {
        return folder.resolve("m-0000%d-of-00003.gguf".formatted(number + 1));
    }

    private void write(int number, String... tensors) {
        writer(number, 3, tensors).write(file(number));
    }

    private static GgufWriter writer(int number, int count, String... tensors) {
        GgufWriter writer = new GgufWriter();
        if (number == 0) {
            writer.text("general.architecture", "llama");
        }
        writer.put("split.no", new MetadataValue.Whole(ValueType.UINT16, number))
                .put("split.count", new MetadataValue.Whole(ValueType.UINT16, count))
                .put("split.tensors.count", new MetadataValue.Whole(ValueType.INT32, 3));
        for (String tensor : tensors) {
            writer.tensor(TestTensors.tensor(tensor, Encoding.F32, 4, 2));
        }
        return writer;
    }
}
