package dev.trimtab.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.NotFound;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The life of a mapped checkpoint, and what becomes of loads when its file changes under it.
class CheckpointTest {
    private static final String TENSOR = "token_embd.weight";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_K"})
    void turnsAReadPastTheEndOfACutFileIntoBadCheckpoint(Encoding encoding) throws IOException {
        Path file = large(encoding);

        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            cut(file, 64 << 10);

            assertThatThrownBy(() -> checkpoint.reading(() -> sum(checkpoint.tensor(TENSOR))))
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining(file.toString());
        }
    }

    /// The rest of a file's last page reads as zeros: no fault tells of it.
    @ParameterizedTest
    @ValueSource(longs = {1, 100})
    void refusesALoadFromAFileCutWithinItsLastPage(long bytes) throws IOException {
        Path file = large(Encoding.F16);

        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            cut(file, Files.size(file) - bytes);

            assertThatThrownBy(() -> checkpoint.reading(() -> sum(checkpoint.tensor(TENSOR))))
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining("size when read");
        }
    }

    @Test
    void refusesALoadFromAFileRewrittenInPlace() throws IOException {
        Path file = large(Encoding.F16);

        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH));

            assertThatThrownBy(() -> checkpoint.reading(() -> sum(checkpoint.tensor(TENSOR))))
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining("time of change");
        }
    }

    @Test
    void keepsReadingAFileThatWasReplacedOrDeleted() throws IOException {
        Path file = large(Encoding.F16);

        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            double before = checkpoint.reading(() -> sum(checkpoint.tensor(TENSOR)));
            Path other = TestCheckpoints.llama().seed(2).write(folder.resolve("other.gguf"));
            Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);

            assertThat(checkpoint.reading(() -> sum(checkpoint.tensor(TENSOR)))).isEqualTo(before);
            Files.delete(file);
            assertThat(checkpoint.reading(() -> sum(checkpoint.tensor(TENSOR)))).isEqualTo(before);
        }
    }

    @Test
    void passesOnWhatALoadThrows() {
        Checkpoint checkpoint = TestCheckpoints.llama().open();

        assertThatThrownBy(() -> checkpoint.reading(() -> checkpoint.tensor("blk.9.attn_q.weight")))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessage("random.gguf: tensor blk.9.attn_q.weight is missing");
    }

    @Test
    void endsItsTensorsWhenClosedAndMayBeClosedAgain() throws IOException {
        Checkpoint checkpoint = Checkpoint.open(large(Encoding.F16));
        Tensor tensor = checkpoint.tensor(TENSOR);

        checkpoint.close();
        checkpoint.close();

        assertThatThrownBy(() -> sum(tensor)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void leavesTensorsReadOnly() {
        Tensor tensor = TestCheckpoints.llama().open().tensor(TENSOR);

        assertThat(tensor.data().isReadOnly()).isTrue();
    }

    @Test
    void refusesAMissingFileAFolderWithoutAModelAndAnEmptyFile() throws IOException {
        Path empty = Files.createFile(folder.resolve("empty.gguf"));

        assertThatThrownBy(() -> Checkpoint.open(folder.resolve("none.gguf")))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("none.gguf");
        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(NotFound.class)
                .hasMessageContaining("model.safetensors");
        assertThatThrownBy(() -> Checkpoint.open(empty))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("magic");
    }

    private Path large(Encoding encoding) {
        return TestCheckpoints.llama()
                .hiddenSize(256)
                .intermediateSize(256)
                .vocabSize(2048)
                .encoding(encoding)
                .write(folder.resolve("model.gguf"));
    }

    private static void cut(Path file, long sizeBytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(sizeBytes);
        }
    }

    private static double sum(Tensor tensor) {
        float[] row = new float[Math.toIntExact(tensor.shape().columns())];
        double sum = 0;
        for (long i = 0; i < tensor.shape().rows(); i++) {
            Dequantizer.decodeRow(tensor, i, row, 0);
            for (float weight : row) {
                sum += weight;
            }
        }
        return sum;
    }
}
