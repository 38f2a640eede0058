package dev.trimtab.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufWriterTest {
    @Test
    void givesBackEveryTypeOfValue() {
        byte[] bytes = everyType(new GgufWriter()).toBytes();

        Metadata read = Checkpoint.of("t", MemorySegment.ofArray(bytes)).metadata();

        Metadata written = new Metadata("t", read.values());
        assertThat(everyType(new GgufWriter()).toBytes()).isEqualTo(bytes);
        assertThat(rewrite(written)).isEqualTo(bytes);
        assertThat(read.integer("uint64")).isEqualTo(Long.MAX_VALUE);
        assertThat(read.integer("int8")).isEqualTo(-128);
        assertThat(read.integer("uint8")).isEqualTo(255);
        assertThat(read.number("float64", 0)).isEqualTo(Math.PI);
        assertThat(read.strings("texts")).containsExactly("", "ein", "Zug ⚓");
        assertThat(read.find("nested").orElseThrow().describe()).isEqualTo("an array of 2");
    }

    @Test
    void keepsTensorsInOrderWithTheirBytesAlignedAsAsked() {
        GgufWriter writer = new GgufWriter(128)
                .tensor(TestTensors.tensor("b", Encoding.I8, 5, 3))
                .tensor(TestTensors.tensor("a", Encoding.Q4_0, 64, 2));

        Checkpoint checkpoint = Checkpoint.of("t", MemorySegment.ofArray(writer.toBytes()));

        assertThat(checkpoint.tensors().keySet()).containsExactly("b", "a");
        assertThat(checkpoint.tensor("a").shape()).isEqualTo(Shape.of(2, 64));
        assertThat(checkpoint
                        .tensor("a")
                        .data()
                        .mismatch(TestTensors.tensor("a", Encoding.Q4_0, 64, 2).data()))
                .isEqualTo(-1);
        assertThat(checkpoint.metadata().integer("general.alignment")).isEqualTo(128);
        assertThat(checkpoint.metadata().integer("general.quantization_version"))
                .isEqualTo(2);
    }

    @Test
    void writesFilesThatOpenAsTheyDoFromMemory(@TempDir Path folder) {
        TestCheckpoints model = TestCheckpoints.llama().encoding(Encoding.Q8_0).untied();
        byte[] bytes = TestCheckpoints.llama().encoding(Encoding.Q8_0).untied().bytes();

        try (Checkpoint checkpoint = Checkpoint.open(model.write(folder.resolve("m.gguf")))) {
            Checkpoint other = Checkpoint.of("m", MemorySegment.ofArray(bytes));

            assertThat(folder).isDirectoryNotContaining("glob:**.part");
            assertThat(checkpoint.tensors().keySet()).isEqualTo(other.tensors().keySet());
            checkpoint
                    .tensors()
                    .forEach((name, tensor) -> assertThat(
                                    tensor.data().mismatch(other.tensor(name).data()))
                            .isEqualTo(-1));
        }
    }

    @Test
    void copiesACheckpointWithItsUnknownKeysToTheSameBytes() {
        byte[] bytes = everyType(new GgufWriter(128))
                .uint32("general.quantization_version", 2)
                .text("nobody.knows.this", "kept")
                .tensor(TestTensors.tensor("a.weight", Encoding.Q6_K, 512, 3))
                .tensor(TestTensors.tensor("b.weight", Encoding.BF16, 5, 1))
                .toBytes();

        byte[] copy = GgufWriter.copyOf(Checkpoint.of("t", MemorySegment.ofArray(bytes)))
                .toBytes();

        assertThat(copy).isEqualTo(bytes);
    }

    @Test
    void namesTheFileTypeOfMostBytes() {
        GgufWriter writer = new GgufWriter()
                .uint32("general.file_type", 99)
                .tensor(TestTensors.tensor("a", Encoding.F32, 256, 1))
                .tensor(TestTensors.tensor("b", Encoding.Q4_K, 256, 64));

        assertThat(read(writer.fileType()).integer("general.file_type")).isEqualTo(14);
        assertThat(read(new GgufWriter().uint32("general.file_type", 99).fileType())
                        .contains("general.file_type"))
                .isFalse();
    }

    @Test
    void refusesWhatGgufHasNoNumberFor() {
        assertThatThrownBy(() -> new GgufWriter().tensor(TestTensors.tensor("a", Encoding.F8_E4M3, 8, 1)))
                .isInstanceOf(Unsupported.class)
                .hasMessage("a: GGUF cannot hold F8_E4M3");
    }

    private static Metadata read(GgufWriter writer) {
        return Checkpoint.of("t", MemorySegment.ofArray(writer.toBytes())).metadata();
    }

    private static byte[] rewrite(Metadata metadata) {
        GgufWriter writer = new GgufWriter();
        metadata.values().forEach(writer::put);
        return writer.toBytes();
    }

    static GgufWriter everyType(GgufWriter writer) {
        return writer.put("uint8", new MetadataValue.Whole(ValueType.UINT8, 255))
                .put("int8", new MetadataValue.Whole(ValueType.INT8, -128))
                .put("uint16", new MetadataValue.Whole(ValueType.UINT16, 65_535))
                .put("int16", new MetadataValue.Whole(ValueType.INT16, -5))
                .uint32("uint32", 7)
                .put("int32", new MetadataValue.Whole(ValueType.INT32, Integer.MIN_VALUE))
                .put("uint64", new MetadataValue.Whole(ValueType.UINT64, Long.MAX_VALUE))
                .put("int64", new MetadataValue.Whole(ValueType.INT64, Long.MIN_VALUE))
                .float32("float32", 0.1f)
                .put("float64", new MetadataValue.Real(ValueType.FLOAT64, Math.PI))
                .put("flag", new MetadataValue.Flag(true))
                .text("text", "ein Zug")
                .texts("texts", List.of("", "ein", "Zug ⚓"))
                .put("wholes", new MetadataValue.Wholes(ValueType.INT16, new long[] {1, -2, 3}))
                .put("reals", new MetadataValue.Reals(ValueType.FLOAT32, new double[] {0.5, -2}))
                .put("flags", new MetadataValue.Flags(new boolean[] {true, false}))
                .put(
                        "nested",
                        new MetadataValue.Nested(List.of(
                                new MetadataValue.Texts(List.of("a")),
                                new MetadataValue.Nested(List.of(new MetadataValue.Flags(new boolean[0]))))));
    }
}
