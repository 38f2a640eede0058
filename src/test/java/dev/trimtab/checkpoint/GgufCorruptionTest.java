package dev.trimtab.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Files broken in every way a seed finds end in a failure with a name, or in a load, never in anything else.
class GgufCorruptionTest {
    private static final long ALLOCATION_MAX = 64L << 20;
    private static final Duration TIME_MAX = Duration.ofSeconds(1);
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final byte[] whole = GgufWriterTest.everyType(new GgufWriter())
            .tensor(TestTensors.tensor("first.weight", Encoding.Q4_0, 64, 3))
            .tensor(TestTensors.tensor("second.weight", Encoding.F32, 5, 1))
            .toBytes();
    private final int headerBytes = whole.length - 128 - 32;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void namesWhatAFlippedByteBreaks(long seed) {
        Random random = new Random(seed);
        int refused = 0;

        for (int trial = 0; trial < 1000; trial++) {
            byte[] broken = whole.clone();
            int flips = 1 + random.nextInt(3);
            for (int flip = 0; flip < flips; flip++) {
                broken[random.nextInt(headerBytes)] ^= (byte) (1 << random.nextInt(8));
            }
            refused += isRefused(broken) ? 1 : 0;
        }

        assertThat(refused).isGreaterThan(300);
    }

    @ParameterizedTest
    @ValueSource(longs = {5, 6})
    void namesWhatABorderlineNumberBreaks(long seed) {
        long[] borderline = {-1, 0, 1, 255, 1L << 31, 1L << 32, 1L << 61, 1L << 62, Long.MAX_VALUE, Long.MIN_VALUE};
        Random random = new Random(seed);

        for (int trial = 0; trial < 1000; trial++) {
            byte[] broken = whole.clone();
            int at = random.nextInt(headerBytes - 8);
            long number = borderline[random.nextInt(borderline.length)];
            for (int i = 0; i < 8; i++) {
                broken[at + i] = (byte) (number >>> (8 * i));
            }
            isRefused(broken);
        }
    }

    @Test
    void refusesTheFileCutAnywhere() {
        int lastTensorEnd = whole.length - 32 + 5 * 4;

        for (int size = 0; size < lastTensorEnd; size++) {
            assertThat(isRefused(Arrays.copyOf(whole, size)))
                    .as("cut to %d bytes", size)
                    .isTrue();
        }
        assertThat(isRefused(Arrays.copyOf(whole, lastTensorEnd))).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"8388608, false", "8388609, true", "9223372036854775807, true"})
    void refusesMoreArrayElementsThanTheLimit(long length, boolean refused) {
        assertThat(isRefused(flags(length))).isEqualTo(refused);
    }

    @Test
    void refusesArraysNestedDeeperThanTheLimit() {
        assertThat(isRefused(nested(4))).isFalse();
        assertThatThrownBy(() -> read(nested(5)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("nested");
    }

    @Test
    void refusesADuplicateKeyByItsName() {
        byte[] file =
                new GgufWriter().text("some.key", "a").text("same.key", "b").toBytes();
        String text = new String(file, StandardCharsets.ISO_8859_1).replace("same.key", "some.key");

        assertThatThrownBy(() -> read(text.getBytes(StandardCharsets.ISO_8859_1)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessage("t.gguf: metadata some.key: expected one value, found a second");
    }

    @Test
    void saysWhichTensorBreaksTheOrderAndHow() {
        byte[] file = new GgufWriter()
                .tensor(TestTensors.tensor("a", Encoding.I8, 32, 1))
                .tensor(TestTensors.tensor("b", Encoding.I8, 32, 1))
                .toBytes();
        int offsetOfB = 24 + (8 + 1 + 4 + 16 + 4 + 8) * 2 - 8;
        assertThat(file[offsetOfB]).isEqualTo((byte) 32);
        file[offsetOfB] = 64;

        assertThatThrownBy(() -> read(file))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessage("t.gguf: tensor b offset: expected 32, found 64");
    }

    private static Checkpoint read(byte[] file) {
        return Checkpoint.of("t.gguf", MemorySegment.ofArray(file));
    }

    /// Reads within the limits of time and memory and answers whether the file was refused.
    private static boolean isRefused(byte[] file) {
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        long start = System.nanoTime();
        boolean refused = false;
        try {
            read(file);
        } catch (BadCheckpoint | Unsupported e) {
            assertThat(e.getMessage()).startsWith("t.gguf: ").hasSizeLessThan(1000);
            refused = true;
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(TIME_MAX);
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated).isLessThan(ALLOCATION_MAX);
        return refused;
    }

    /// A file whose array of booleans claims `length` elements and has as many as are allowed, and one.
    private static byte[] flags(long length) {
        return new ByteWriter()
                .int32(GgufReader.MAGIC)
                .int32(3)
                .int64(0)
                .int64(1)
                .string("flags")
                .int32(9)
                .int32(7)
                .int64(length)
                .zeros(GgufValues.ELEMENTS_MAX + 1)
                .toBytes();
    }

    private static byte[] nested(int depth) {
        MetadataValue.Array inner = new MetadataValue.Flags(new boolean[1]);
        for (int i = 1; i < depth; i++) {
            List<MetadataValue.Array> arrays = new ArrayList<>();
            arrays.add(inner);
            inner = new MetadataValue.Nested(arrays);
        }
        return new GgufWriter().put("deep", inner).toBytes();
    }
}
