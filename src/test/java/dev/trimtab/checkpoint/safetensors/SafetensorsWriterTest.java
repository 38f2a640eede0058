package dev.trimtab.checkpoint.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Contents;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.checkpoint.TestTensors;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsWriterTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource
    void givesBackEveryDtypeAndRefusesTheOthersByName(Encoding encoding) {
        Tensor tensor = TestTensors.tensor("odd \"name\" \u2693", encoding, 256, 3);
        SafetensorsWriter writer = new SafetensorsWriter().text("format", "pt");

        if (!Dtypes.holds(encoding)) {
            assertThatThrownBy(() -> writer.tensor(tensor))
                    .isInstanceOf(Unsupported.class)
                    .hasMessageContaining(encoding.name());
            return;
        }
        Contents read = read(writer.tensor(tensor));

        assertThat(read.metadata().string("format")).isEqualTo("pt");
        assertSame(read.tensors().get(tensor.name()), tensor);
    }

    @Test
    void alignsEachTensorToItsElement() {
        SafetensorsWriter writer = new SafetensorsWriter()
                .tensor(TestTensors.tensor("bytes", Encoding.U8, 3, 1))
                .tensor(TestTensors.tensor("halves", Encoding.BF16, 5, 1))
                .tensor(TestTensors.tensor("longs", Encoding.I64, 1, 1))
                .tensor(TestTensors.tensor("floats", Encoding.F32, 1, 1));

        byte[] bytes = writer.toBytes();

        assertThat(read(writer).tensors().keySet()).containsExactly("longs", "floats", "halves", "bytes");
        assertThat((bytes.length - (8 + 4 + 10 + 3)) % 8).isZero();
        assertThat(writer.toBytes()).isEqualTo(bytes);
    }

    @Test
    void refusesASecondTensorOfANameAndTheNameThatIsNone() {
        SafetensorsWriter writer = new SafetensorsWriter().tensor(TestTensors.tensor("a", Encoding.U8, 3, 1));

        assertThatThrownBy(() -> writer.tensor(TestTensors.tensor("a", Encoding.U8, 3, 1)))
                .isInstanceOf(Internal.class);
        assertThatThrownBy(() -> writer.tensor(TestTensors.tensor("__metadata__", Encoding.U8, 3, 1)))
                .isInstanceOf(Internal.class);
    }

    /// The two norms and the matrices of a layer, over files small enough that one matrix alone exceeds
    /// them.
    @ParameterizedTest
    @ValueSource(longs = {1, 20_000, 100_000, Long.MAX_VALUE})
    void splitsAModelIntoFilesThatItsIndexJoins(long sizeBytesMax) throws IOException {
        Path whole = TestSafetensors.llama(TestCheckpoints.llama().open(), folder.resolve("whole"));
        Path split = Files.createDirectory(folder.resolve("split"));
        Files.copy(whole.resolve("config.json"), split.resolve("config.json"));

        try (Checkpoint original = Checkpoint.open(whole)) {
            stored(whole).writeSharded(split, sizeBytesMax);

            try (Checkpoint joined = Checkpoint.open(split)) {
                assertThat(joined.tensors()).containsOnlyKeys(original.tensors().keySet());
                joined.tensors().forEach((name, tensor) -> assertSame(tensor, original.tensor(name)));
            }
        }
        boolean single = sizeBytesMax == Long.MAX_VALUE;
        assertThat(Files.exists(split.resolve("model.safetensors"))).isEqualTo(single);
        assertThat(split).isDirectoryNotContaining("glob:**.part");
        assertThat(Files.exists(split.resolve("model.safetensors.index.json"))).isNotEqualTo(single);
    }

    @ParameterizedTest
    @ValueSource(strings = {"models/demo/hf/model.safetensors", "models/TinyStories-656K/model.safetensors"})
    void copiesRealFilesWithoutLoss(String file) throws IOException {
        byte[] bytes = Files.readAllBytes(SharedData.path(file));
        Contents original = SafetensorsReader.read("t", MemorySegment.ofArray(bytes));
        SafetensorsWriter writer = new SafetensorsWriter();
        original.metadata()
                .values()
                .keySet()
                .forEach(key -> writer.text(key, original.metadata().string(key)));
        original.tensors().values().forEach(writer::tensor);

        Contents copy = read(writer);

        assertThat(copy.metadata().values()).isEqualTo(original.metadata().values());
        assertThat(copy.tensors()).containsOnlyKeys(original.tensors().keySet());
        copy.tensors()
                .forEach((name, tensor) -> assertSame(tensor, original.tensors().get(name)));
    }

    private static SafetensorsWriter stored(Path model) throws IOException {
        byte[] bytes = Files.readAllBytes(model.resolve("model.safetensors"));
        Map<String, Tensor> tensors =
                SafetensorsReader.read("t", MemorySegment.ofArray(bytes)).tensors();
        SafetensorsWriter writer = new SafetensorsWriter();
        tensors.values().forEach(writer::tensor);
        return writer;
    }

    private static Contents read(SafetensorsWriter writer) {
        return SafetensorsReader.read("t", MemorySegment.ofArray(writer.toBytes()));
    }

    private static void assertSame(@Nullable Tensor tensor, @Nullable Tensor expected) {
        Objects.requireNonNull(tensor);
        Objects.requireNonNull(expected);
        assertThat(tensor.encoding()).isEqualTo(expected.encoding());
        assertThat(tensor.shape()).isEqualTo(expected.shape());
        assertThat(tensor.data().mismatch(expected.data())).isEqualTo(-1);
    }
}
