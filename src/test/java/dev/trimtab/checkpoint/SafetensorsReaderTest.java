package dev.trimtab.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsReaderTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final byte[] whole = TestSafetensors.bytes(List.of(
            GgufWriterTest.tensor("model.first.weight", Encoding.F16, 7, 3),
            GgufWriterTest.tensor("model.second.weight", Encoding.BF16, 5, 1),
            GgufWriterTest.tensor("third", Encoding.I64, 2, 2)));

    @Test
    void givesTensorsInTheOrderOfTheirBytesWithTheMetadata() {
        Contents contents = read(whole);

        assertThat(contents.tensors().keySet()).containsExactly("model.first.weight", "model.second.weight", "third");
        Tensor third = contents.tensors().values().stream().toList().getLast();
        assertThat(third.encoding()).isEqualTo(Encoding.I64);
        assertThat(third.shape()).isEqualTo(Shape.of(2, 2));
        assertThat(third.data()
                        .mismatch(GgufWriterTest.tensor("t", Encoding.I64, 2, 2).data()))
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
            value = {"F8_E4M3 | [8]", "F32 | [0]", "F32 | [2, 1, 1, 1, 1]", "U8 | [8]"})
    void refusesWhatItHasNoEncodingOrShapeForByTheTensorsName(String dtype, String shape) {
        byte[] file = TestSafetensors.file(entry(dtype, shape, "[0, 8]"), new byte[8]);

        assertThatThrownBy(() -> read(file)).isInstanceOf(Unsupported.class).hasMessageContaining("a.weight");
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
