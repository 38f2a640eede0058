package dev.trimtab.checkpoint.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.trimtab.checkpoint.Contents;
import dev.trimtab.checkpoint.TestTensors;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Scanner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsReaderTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final byte[] whole = TestSafetensors.bytes(List.of(
            TestTensors.tensor("model.first.weight", Encoding.F16, 7, 3),
            TestTensors.tensor("model.second.weight", Encoding.BF16, 5, 1),
            TestTensors.tensor("third", Encoding.I64, 2, 2)));

    @Test
    void givesTensorsInTheOrderOfTheirBytesWithTheMetadata() {
        Contents contents = read(whole);

        assertThat(contents.tensors().keySet()).containsExactly("model.first.weight", "model.second.weight", "third");
        Tensor third = contents.tensors().values().stream().toList().getLast();
        assertThat(third.encoding()).isEqualTo(Encoding.I64);
        assertThat(third.shape()).isEqualTo(Shape.of(2, 2));
        assertThat(third.data()
                        .mismatch(TestTensors.tensor("t", Encoding.I64, 2, 2).data()))
                .isEqualTo(-1);
        assertThat(contents.metadata().string("format")).isEqualTo("pt");
    }

    @Test
    void readsAScalarAsOneElementAndAHeaderPaddedWithSpaces() {
        byte[] file = TestSafetensors.file(entry("F32", "[]", "[0, 4]") + "   ", new byte[4]);

        assertThat(read(file).tensors().values()).extracting(Tensor::shape).containsExactly(Shape.of(1));
    }

    /// Each breaks one rule; the message names the tensor or the field.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "F32 | [2] | [0, 4] | expected 8 bytes",
                "F32 | [1] | [4, 8] | expected bytes from 0",
                "F32 | [1] | [0, 400] | within 8",
                "F32 | [1] | [0, 4] | bytes of tensors: expected 8, found 4",
                "F32 | [2] | [8, 0] | expected bytes from 0",
                "F32 | [-2] | [0, 8] | at least 0",
                "F32 | [2.5] | [0, 8] | VALUE_NUMBER_INT",
                "F32 | [2] | [0] | two data_offsets",
                "F32 | 2 | [0, 8] | START_ARRAY",
                "F32 | [4611686018427387904, 2] | [0, 8] | more bytes than",
                "F32 | [9223372036854775808] | [0, 8] | not JSON",
                "F32 | [[2]] | [0, 8] | VALUE_NUMBER_INT",
            })
    void refusesEntriesThatBreakARule(String dtype, String shape, String offsets, String message) {
        byte[] file = TestSafetensors.file(entry(dtype, shape, offsets), new byte[8]);

        assertThatThrownBy(() -> read(file))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageStartingWith("t.safetensors: ")
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"F2 | [8]", "F32 | [0]", "F32 | [2, 1, 1, 1, 1]", "f32 | [2]", "Q8_0 | [8]"})
    void refusesWhatItHasNoEncodingOrShapeForByTheTensorsName(String dtype, String shape) {
        byte[] file = TestSafetensors.file(entry(dtype, shape, "[0, 8]"), new byte[8]);

        assertThatThrownBy(() -> read(file)).isInstanceOf(Unsupported.class).hasMessageContaining("a.weight");
    }

    /// Of every dtype, a shape that takes 24 bytes.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "BOOL | [24]",
                "U8 | [24]",
                "I8 | [3, 8]",
                "F8_E5M2 | [24]",
                "F8_E4M3 | [24]",
                "F8_E8M0 | [24]",
                "F8_E4M3FNUZ | [24]",
                "F8_E5M2FNUZ | [24]",
                "F4 | [48]",
                "F4 | [3, 16]",
                "F6_E2M3 | [32]",
                "F6_E3M2 | [2, 16]",
                "I16 | [12]",
                "U16 | [12]",
                "F16 | [12]",
                "BF16 | [12]",
                "I32 | [6]",
                "U32 | [6]",
                "F32 | [6]",
                "C64 | [3]",
                "F64 | [3]",
                "I64 | [3]",
                "U64 | [3]"
            })
    void readsEveryDtypeToItsSize(String dtype, String shape) {
        byte[] file = TestSafetensors.file(entry(dtype, shape, "[0, 24]"), new byte[24]);

        Tensor tensor = read(file).tensors().values().iterator().next();

        assertThat(tensor.encoding()).isEqualTo(Encoding.valueOf(dtype));
        assertThat(tensor.sizeBytes()).isEqualTo(24);
        assertThatThrownBy(() -> read(TestSafetensors.file(entry(dtype, shape, "[0, 25]"), new byte[25])))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("expected 24 bytes");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"F4 | [3]", "F6_E2M3 | [5]", "F6_E3M2 | [2, 3]"})
    void refusesPartsOfBytes(String dtype, String shape) {
        byte[] file = TestSafetensors.file(entry(dtype, shape, "[0, 8]"), new byte[8]);

        assertThatThrownBy(() -> read(file))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("a.weight: expected whole bytes of " + dtype);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"[0, 8] | [4, 12] | 12", "[0, 4] | [8, 12] | 12", "[0, 8] | [0, 8] | 8", "[0, 4] | [4, 8] | 12"})
    void refusesOverlapsHolesAndRests(String first, String second, int size) {
        byte[] file = TestSafetensors.file("{" + bytes("a", first) + ", " + bytes("b", second) + "}", new byte[size]);

        assertThatThrownBy(() -> read(file)).isInstanceOf(BadCheckpoint.class).hasMessageContaining("bytes");
    }

    /// The entry of a tensor of bytes that fills its offsets.
    private static String bytes(String name, String offsets) {
        try (Scanner numbers = new Scanner(offsets)) {
            numbers.useDelimiter("[^0-9]+");
            int length = -numbers.nextInt() + numbers.nextInt();
            return "\"%s\": {\"dtype\": \"U8\", \"shape\": [%d], \"data_offsets\": %s}"
                    .formatted(name, length, offsets);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{", " {}", "{}x", "{\"a\": 1}", "{\"a\": {}, \"a\": {}}"})
    void refusesHeadersThatAreNotAnObjectOfTensors(String header) {
        assertThat(isRefused(TestSafetensors.file(header, new byte[8]))).isTrue();
    }

    @Test
    void refusesALengthOfHeaderBeyondTheFileOrTheLimit() {
        byte[] huge = new ByteWriter().int64(100_000_001).string("{}").toBytes();
        byte[] beyond = new ByteWriter().int64(3).whole('{', 1).toBytes();

        assertThatThrownBy(() -> read(huge)).hasMessageContaining("at most 100000000");
        assertThatThrownBy(() -> read(beyond)).hasMessageContaining("header length");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void namesWhatAFlippedByteBreaks(long seed) {
        Random random = new Random(seed);
        int refused = 0;

        for (int trial = 0; trial < 1000; trial++) {
            byte[] broken = whole.clone();
            broken[random.nextInt(whole.length - 84)] ^= (byte) (1 << random.nextInt(8));
            refused += isRefused(broken) ? 1 : 0;
        }

        assertThat(refused).isGreaterThan(500);
    }

    @Test
    void refusesTheFileCutAnywhere() {
        for (int size = 0; size < whole.length; size++) {
            assertThat(isRefused(Arrays.copyOf(whole, size)))
                    .as("cut to %d bytes", size)
                    .isTrue();
        }
    }

    private static String entry(String dtype, String shape, String offsets) {
        return "{\"a.weight\": {\"dtype\": \"%s\", \"shape\": %s, \"data_offsets\": %s}}"
                .formatted(dtype, shape, offsets);
    }

    private static Contents read(byte[] file) {
        return SafetensorsReader.read("t.safetensors", MemorySegment.ofArray(file));
    }

    /// Reads within a second and 64 MB and answers whether the file was refused.
    private static boolean isRefused(byte[] file) {
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        long start = System.nanoTime();
        boolean refused = false;
        try {
            read(file);
        } catch (BadCheckpoint | Unsupported e) {
            assertThat(e.getMessage()).startsWith("t.safetensors: ").hasSizeLessThan(1000);
            refused = true;
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(1));
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated).isLessThan(64L << 20);
        return refused;
    }
}
