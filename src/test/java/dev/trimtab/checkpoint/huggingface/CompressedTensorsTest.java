package dev.trimtab.checkpoint.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.checkpoint.TestTensors;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.checkpoint.safetensors.SafetensorsReader;
import dev.trimtab.checkpoint.safetensors.SafetensorsWriter;
import dev.trimtab.checkpoint.safetensors.TestSafetensors;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.quantize.Quantizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Scanner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Matrices packed by the test, a bit at a time, come back to the last bit.
class CompressedTensorsTest {
    private static final int ROWS = 20;
    private static final int COLUMNS = 128;
    private static final String NAME = "model.layers.0.self_attn.q_proj.weight";

    private final Random random = new Random(1);

    /// Of a matrix of so many bits and groups, which encoding it comes in.
    @ParameterizedTest
    @CsvSource({
        "4, 4, BF16, SYMMETRIC, Q4_0",
        "4, 1, F16, SYMMETRIC, Q4_0",
        "4, 8, BF16, SYMMETRIC, BF16",
        "4, 4, BF16, ASYMMETRIC, Q8_0",
        "4, 1, F32, ASYMMETRIC, Q8_0",
        "8, 4, BF16, SYMMETRIC, Q8_0",
        "8, 1, F16, SYMMETRIC, Q8_0",
        "8, 2, BF16, ASYMMETRIC, BF16",
        "8, 2, F32, ASYMMETRIC, F32",
        "4, 4, BF16, REORDERED, BF16",
        "8, 4, F32, REORDERED, F32",
        "4, 4, F32, FINE, F32",
    })
    void unpacksToTheEncodingThatHoldsIt(int bits, int groups, Encoding scales, Kind kind, Encoding expected) {
        Packed packed = packed(bits, groups, scales, kind);

        Tensor tensor = matrix(packed.parts(), bits);

        assertThat(tensor.encoding()).isEqualTo(expected);
        assertThat(tensor.shape()).isEqualTo(Shape.of(ROWS, COLUMNS));
        boolean inBlocks = expected.blockElements() > 1;
        assertThat(values(tensor))
                .isEqualTo(
                        inBlocks ? packed.weights() : values(tensor(NAME, expected, packed.weights(), ROWS, COLUMNS)));
    }

    /// Rows that do not fill their last word.
    @Test
    void unpacksRowsOfAnyLength() {
        int[][] codes = codes(4, ROWS, 13);
        Map<String, Tensor> parts = new LinkedHashMap<>();
        put(parts, words("_packed", codes, 4));
        put(parts, numbers("_shape", Encoding.I64, ROWS, 13));
        put(parts, tensor(NAME + "_scale", Encoding.F32, new float[] {0.5f}, 1, 1));

        Tensor tensor = matrix(parts, 4);

        assertThat(tensor.encoding()).isEqualTo(Encoding.F32);
        float[] values = values(tensor);
        for (int i = 0; i < values.length; i++) {
            assertThat(values[i]).isEqualTo(0.5f * codes[i / 13][i % 13]);
        }
    }

    @ParameterizedTest
    @CsvSource({"I8, BF16, Q8_0", "I8, F32, Q8_0", "F8_E4M3, BF16, BF16", "F8_E4M3, F32, F32"})
    void scalesCodesThatAreNotPacked(Encoding codes, Encoding scales, Encoding expected) {
        byte[] bytes = new byte[ROWS * COLUMNS];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (random.nextInt(255) - 127);
        }
        Tensor weight = new Tensor(NAME, codes, Shape.of(ROWS, COLUMNS), MemorySegment.ofArray(bytes));
        float[] scale = scales(ROWS, scales, Kind.SYMMETRIC);
        float[] exact = values(weight);
        for (int i = 0; i < exact.length; i++) {
            exact[i] *= scale[i / COLUMNS];
        }

        Map<String, Tensor> parts = new LinkedHashMap<>();
        put(parts, weight);
        put(parts, tensor(NAME + "_scale", scales, scale, ROWS, 1));
        Tensor tensor = matrix(parts, 4);

        assertThat(tensor.encoding()).isEqualTo(expected);
        if (expected != Encoding.Q8_0) {
            exact = values(tensor(NAME, expected, exact, ROWS, COLUMNS));
        }
        assertThat(values(tensor)).isEqualTo(exact);
    }

    @Test
    void leavesOtherTensorsAsTheyAre() {
        Map<String, Tensor> parts = packed(4, 4, Encoding.BF16, Kind.SYMMETRIC).parts();
        Tensor head = TestTensors.tensor("lm_head.weight", Encoding.F16, 8, 2);
        put(parts, head);

        assertThat(decompress(parts)).containsOnlyKeys(NAME, "lm_head.weight").containsEntry("lm_head.weight", head);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "_shape | none | _shape: expected one, found none",
                "_scale | none | _scale: expected one, found none",
                "_shape | I64 20 64 | for [20, 64] and [4] bits a weight; I32 of 4 and 8 can be read",
                "_shape | I64 0 128 | extents of at least 1",
                "_shape | F32 20 128 | expected two I64 or I32",
                "_scale | I32 1 | F32, F16 or BF16",
                "_scale | F32 1 2 3 | a scale for each row",
                "_zero_point | I64 1 2 | expected 80 numbers",
                "_zero_point | I32 1 2 | expected [3, 4]",
                "_g_idx | I32 0 1 2 | expected 128 groups, found 3",
            })
    void saysWhichPartIsWrong(String part, String replacement, String message) {
        Map<String, Tensor> parts = packed(4, 4, Encoding.BF16, Kind.SYMMETRIC).parts();
        parts.remove(NAME + part);
        if (!replacement.equals("none")) {
            try (Scanner words = new Scanner(replacement)) {
                Encoding encoding = Encoding.valueOf(words.next());
                put(
                        parts,
                        numbers(
                                part,
                                encoding,
                                words.tokens().mapToLong(Long::parseLong).toArray()));
            }
        }

        assertThatThrownBy(() -> decompress(parts))
                .isInstanceOfAny(BadCheckpoint.class, Unsupported.class)
                .hasMessageContaining("config.json: tensor " + NAME)
                .hasMessageContaining(message);
    }

    @Test
    void refusesGroupsThatAreNone() {
        Map<String, Tensor> parts = packed(4, 4, Encoding.BF16, Kind.SYMMETRIC).parts();
        long[] groups = new long[COLUMNS];
        groups[7] = 4;
        put(parts, numbers("_g_idx", Encoding.I32, groups));

        assertThatThrownBy(() -> decompress(parts))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("_g_idx: expected groups of 0..3, found 4");
    }

    @ParameterizedTest
    @ValueSource(strings = {"format", "config_groups.group_0.format", "sparsity_config.format"})
    void refusesOtherFormatsByName(String key) {
        Metadata config =
                new Metadata("config.json", Map.of("quantization_config." + key, new MetadataValue.Text("marlin-24")));

        assertThatThrownBy(() -> CompressedTensors.decompress(config, Map.of(), CompressedTensorsTest::allocate))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining(key + " marlin-24");
    }

    /// A whole model of which one matrix is packed, as llm-compressor writes its configuration.
    @Test
    void opensAFolderWhoseConfigurationSaysSo(@TempDir Path folder) throws IOException {
        Packed packed = writeModel(folder);

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            Tensor tensor = checkpoint.tensor("blk.0.attn_q.weight");

            assertThat(tensor.encoding()).isEqualTo(Encoding.Q4_0);
            assertThat(values(tensor)).isEqualTo(packed.weights());
            assertThat(checkpoint.tensors()).hasSize(20);
        }
    }

    @Test
    void namesWhatFlippedBytesBreak(@TempDir Path folder) throws IOException {
        writeModel(folder);
        Path file = folder.resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(file);
        int refused = 0;

        for (int trial = 0; trial < 200; trial++) {
            byte[] broken = whole.clone();
            broken[8 + random.nextInt(2000)] ^= (byte) (1 << random.nextInt(8));
            Files.write(file, broken);
            try {
                Checkpoint.open(folder).close();
            } catch (TrimtabException e) {
                assertThat(e).isInstanceOfAny(BadCheckpoint.class, Unsupported.class);
                refused++;
            }
        }

        assertThat(refused).isGreaterThan(100);
    }

    private Packed writeModel(Path folder) throws IOException {
        TestSafetensors.llama(TestCheckpoints.llama().hiddenSize(COLUMNS).open(), folder);
        Path file = folder.resolve("model.safetensors");
        List<Tensor> tensors =
                new ArrayList<>(SafetensorsReader.read("t", MemorySegment.ofArray(Files.readAllBytes(file)))
                        .tensors()
                        .values());
        tensors.removeIf(tensor -> tensor.name().equals(NAME));
        Packed packed = packed(4, 4, Encoding.BF16, Kind.SYMMETRIC, COLUMNS);
        tensors.addAll(packed.parts().values());
        SafetensorsWriter writer = new SafetensorsWriter();
        tensors.forEach(writer::tensor);
        writer.write(file);
        Path config = folder.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"rope_scaling\": null", """
                "quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized",
                 "ignore": ["lm_head"], "kv_cache_scheme": null, "config_groups": {"group_0": {"targets": ["Linear"],
                 "input_activations": null, "weights": {"num_bits": 4, "type": "int", "symmetric": true,
                 "strategy": "group", "group_size": 32}}}}"""));
        return packed;
    }

    /// What is special about a matrix; `FINE` scales are none that f16 holds.
    enum Kind {
        SYMMETRIC,
        ASYMMETRIC,
        REORDERED,
        FINE
    }

    /// The parts of a matrix and the weights they stand for, each a product of floats.
    @SuppressWarnings("ArrayRecordComponent")
    private record Packed(Map<String, Tensor> parts, float[] weights) {}

    private Packed packed(int bits, int groups, Encoding scaleEncoding, Kind kind) {
        return packed(bits, groups, scaleEncoding, kind, ROWS);
    }

    private Packed packed(int bits, int groups, Encoding scaleEncoding, Kind kind, int rows) {
        int[][] codes = codes(bits, rows, COLUMNS);
        int[][] zeros = codes(bits, rows, groups);
        float[] scales = scales(rows * groups, scaleEncoding, kind);
        long[] groupOf = new long[COLUMNS];
        for (int c = 0; c < COLUMNS; c++) {
            groupOf[c] = kind == Kind.REORDERED ? c % groups : c / (COLUMNS / groups);
        }
        float[] weights = new float[rows * COLUMNS];
        for (int i = 0; i < weights.length; i++) {
            int group = (int) groupOf[i % COLUMNS];
            int zero = kind == Kind.ASYMMETRIC ? zeros[i / COLUMNS][group] : 0;
            weights[i] = (codes[i / COLUMNS][i % COLUMNS] - zero) * scales[i / COLUMNS * groups + group];
        }
        Map<String, Tensor> parts = new LinkedHashMap<>();
        put(parts, words("_packed", codes, bits));
        put(parts, numbers("_shape", Encoding.I64, rows, COLUMNS));
        put(parts, tensor(NAME + "_scale", scaleEncoding, scales, rows, groups));
        if (kind == Kind.ASYMMETRIC) {
            Tensor turned = words("_zero_point", transposed(zeros), bits);
            put(parts, transposed(turned));
        }
        if (kind == Kind.REORDERED) {
            put(parts, numbers("_g_idx", Encoding.I32, groupOf));
        }
        return new Packed(parts, weights);
    }

    private static void put(Map<String, Tensor> parts, Tensor tensor) {
        parts.put(tensor.name(), tensor);
    }

    private int[][] codes(int bits, int rows, int columns) {
        int[][] codes = new int[rows][columns];
        for (int[] row : codes) {
            for (int c = 0; c < columns; c++) {
                row[c] = random.nextInt(1 << bits) - (1 << (bits - 1));
            }
        }
        codes[0][0] = -(1 << (bits - 1));
        codes[rows - 1][columns - 1] = (1 << (bits - 1)) - 1;
        return codes;
    }

    /// Numbers that `encoding` holds exactly, between 2^-8 and 2^-6.
    private float[] scales(int count, Encoding encoding, Kind kind) {
        float[] scales = new float[count];
        for (int i = 0; i < count; i++) {
            scales[i] = (128 + random.nextInt(128)) * 0x1p-15f * (1 + random.nextInt(2));
            scales[i] += kind == Kind.FINE ? 0x1p-24f : 0;
        }
        assertThat(values(tensor("s", encoding, scales, 1, count))).isEqualTo(scales);
        return scales;
    }

    /// Codes as words, a bit at a time.
    private static Tensor words(String suffix, int[][] codes, int bits) {
        int perWord = 32 / bits;
        int words = (codes[0].length + perWord - 1) / perWord;
        ByteWriter out = new ByteWriter();
        for (int[] row : codes) {
            for (int word = 0; word < words; word++) {
                StringBuilder binary = new StringBuilder();
                for (int i = 0; i < perWord; i++) {
                    int column = word * perWord + i;
                    int stored = column < row.length ? row[column] + (1 << (bits - 1)) : 0;
                    String field = Integer.toBinaryString(1 << bits | stored).substring(1);
                    binary.insert(0, field);
                }
                out.int32(Integer.parseUnsignedInt(binary.toString(), 2));
            }
        }
        return new Tensor(
                NAME + suffix, Encoding.I32, Shape.of(codes.length, words), MemorySegment.ofArray(out.toBytes()));
    }

    private static int[][] transposed(int[][] matrix) {
        int[][] transposed = new int[matrix[0].length][matrix.length];
        for (int row = 0; row < matrix.length; row++) {
            for (int column = 0; column < matrix[0].length; column++) {
                transposed[column][row] = matrix[row][column];
            }
        }
        return transposed;
    }

    private static Tensor transposed(Tensor words) {
        int rows = (int) words.shape().rows();
        int columns = (int) words.shape().columns();
        ByteWriter out = new ByteWriter();
        for (int column = 0; column < columns; column++) {
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < 4; i++) {
                    out.whole(words.data().get(ValueLayout.JAVA_BYTE, 4L * (row * columns + column) + i), 1);
                }
            }
        }
        return new Tensor(words.name(), Encoding.I32, Shape.of(columns, rows), MemorySegment.ofArray(out.toBytes()));
    }

    private static Tensor numbers(String suffix, Encoding encoding, long... numbers) {
        ByteWriter out = new ByteWriter();
        for (long number : numbers) {
            long bits = encoding == Encoding.F32 ? Float.floatToRawIntBits((float) number) : number;
            out.whole(bits, encoding.blockBytes());
        }
        return new Tensor(NAME + suffix, encoding, Shape.of(numbers.length), MemorySegment.ofArray(out.toBytes()));
    }

    private static Tensor tensor(String name, Encoding encoding, float[] values, int rows, int columns) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(encoding.sizeBytes(values.length))]);
        Quantizer.encode(encoding, values, bytes, 0);
        return new Tensor(name, encoding, Shape.of(rows, columns), bytes);
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, values.length);
        return values;
    }

    private static Tensor matrix(Map<String, Tensor> parts, int bits) {
        return Objects.requireNonNull(decompress(parts, bits).get(NAME));
    }

    private static Map<String, Tensor> decompress(Map<String, Tensor> parts) {
        return decompress(parts, 4);
    }

    private static Map<String, Tensor> decompress(Map<String, Tensor> parts, int bits) {
        Map<String, MetadataValue> values = Map.of(
                "quantization_config.config_groups.group_0.weights.num_bits",
                new MetadataValue.Whole(ValueType.INT64, bits));
        return CompressedTensors.decompress(
                new Metadata("config.json", values), parts, CompressedTensorsTest::allocate);
    }

    private static MemorySegment allocate(long sizeBytes) {
        return MemorySegment.ofArray(new byte[Math.toIntExact(sizeBytes)]);
    }
}
