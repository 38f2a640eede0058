package dev.trimtab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.Unsupported;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DequantizerTest {
    /// Made of activations only; ggml itself does not decode them.
    private static final Set<Encoding> ACTIVATIONS = EnumSet.of(Encoding.Q8_1, Encoding.Q8_K);

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64"})
    void decodesBlocksOfGgmlToItsBits(Encoding encoding) throws IOException {
        Checkpoint checkpoint = ggmlBlocks();
        String name = "q." + encoding.name().toLowerCase(Locale.ROOT);

        int[] decoded = bits(checkpoint.tensor(name));

        assertThat(decoded).isEqualTo(bits(checkpoint.tensor("d" + name)));
    }

    @Test
    void decodesIntegersAndDoublesToTheNearestFloat() {
        ByteBuffer longs = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        longs.putLong(-3).putLong((1L << 53) + 1);
        ByteBuffer doubles = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        doubles.putDouble(Math.PI).putDouble(1e300);

        assertThat(decode(Encoding.I8, new byte[] {-128, 127})).containsExactly(-128, 127);
        assertThat(decode(Encoding.I16, new byte[] {1, 2, -1, -1})).containsExactly(513, -1);
        assertThat(decode(Encoding.I32, new byte[] {-2, -1, -1, -1})).containsExactly(-2);
        assertThat(decode(Encoding.I64, longs.array())).containsExactly(-3, 0x1p53f);
        assertThat(decode(Encoding.F64, doubles.array())).containsExactly((float) Math.PI, Float.POSITIVE_INFINITY);
    }

    @Test
    void decodesFromAnyOffsetAndToAnyPosition() {
        byte[] bytes = new byte[3 + 2 * 34];
        bytes[3 + 34 + 1] = 0x3c;
        bytes[3 + 34 + 2] = 5;
        float[] out = new float[40];
        Arrays.fill(out, 9);

        Dequantizer.decode(Encoding.Q8_0, MemorySegment.ofArray(bytes), 3 + 34, out, 4, 32);

        assertThat(out).startsWith(9, 9, 9, 9, 5, 0).endsWith(0, 9, 9, 9, 9);
    }

    @ParameterizedTest
    @EnumSource
    void decodesEveryEncodingOfWeights(Encoding encoding) {
        assertThat(Dequantizer.canDecode(encoding)).isNotEqualTo(ACTIVATIONS.contains(encoding));
    }

    @ParameterizedTest
    @EnumSource(names = {"Q8_1", "Q8_K"})
    void refusesEncodingsOfActivationsByName(Encoding encoding) {
        assertThatThrownBy(() -> decode(encoding, new byte[encoding.blockBytes()]))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining(encoding.name());
    }

    private static float[] decode(Encoding encoding, byte[] bytes) {
        float[] out = new float[bytes.length / encoding.blockBytes() * encoding.blockElements()];
        Dequantizer.decode(encoding, MemorySegment.ofArray(bytes), 0, out, 0, out.length);
        return out;
    }

    private static int[] bits(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().columns())];
        Dequantizer.decodeRow(tensor, 0, values, 0);
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }

    private static Checkpoint ggmlBlocks() throws IOException {
        try (InputStream stream = DequantizerTest.class.getResourceAsStream("ggml-blocks.gguf")) {
            assertThat(stream).isNotNull();
            return Checkpoint.of("ggml-blocks.gguf", MemorySegment.ofArray(stream.readAllBytes()));
        }
    }
}
