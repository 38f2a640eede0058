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
    /// Made of activations only, or nothing that weights are kept in.
    private static final Set<Encoding> NOT_WEIGHTS = EnumSet.of(
            Encoding.Q8_1,
            Encoding.Q8_K,
            Encoding.U16,
            Encoding.U32,
            Encoding.U64,
            Encoding.C64,
            Encoding.F4,
            Encoding.F6_E2M3,
            Encoding.F6_E3M2);

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.MATCH_NONE,
            names = {"Q8_[1K]", "I\\d+", "U\\d+", "BOOL", "C64", "F64", "F[468].*", "INT.*", "MXFP8.*"})
    void decodesBlocksOfGgmlToItsBits(Encoding encoding) throws IOException {
        Checkpoint checkpoint = ggmlBlocks();
        String name = "q." + encoding.name().toLowerCase(Locale.ROOT);

        int[] decoded = bits(checkpoint.tensor(name));

        assertThat(decoded).isEqualTo(bits(checkpoint.tensor("d" + name)));
    }

    /// Codes of 3 bits across bytes, and small floats under a power of two, by hand.
    @Test
    void decodesOurOwnBlocks() {
        byte[] threes = new byte[16];
        threes[1] = 0x3c; // d = 1
        threes[3] = (byte) 0xc0; // m = -2
        threes[4] = (byte) 0b10_001_111; // 7, 1, and two bits of the next
        threes[5] = 0b0000_0001; // its third: 6
        threes[15] = (byte) 0b101_00000; // the last: 5
        byte[] floats = new byte[33];
        floats[0] = 126; // 2^-1
        floats[1] = 0x38; // 1
        floats[32] = (byte) 0xfe; // -448

        assertThat(decode(Encoding.INT3_MINIMUM, threes))
                .startsWith(5, -1, 4, -2)
                .endsWith(-2, 3);
        assertThat(decode(Encoding.MXFP8_E4M3, floats)).startsWith(0.5f, 0).endsWith(0, -224);
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

    /// Figures of the formats' own specifications: least and greatest, the special ones, one in the
    /// middle.
    @Test
    void decodesFloatsOfOneByte() {
        float nan = Float.NaN;
        float infinity = Float.POSITIVE_INFINITY;

        assertThat(bytes(Encoding.F8_E4M3, 0x01, 0x08, 0x38, 0x7e, 0x7f, 0x80, 0xb9, 0xff))
                .containsExactly(0x1p-9f, 0x1p-6f, 1, 448, nan, -0f, -1.125f, nan);
        assertThat(bytes(Encoding.F8_E5M2, 0x01, 0x04, 0x3c, 0x7b, 0x7c, 0x7d, 0xbd, 0xfc))
                .containsExactly(0x1p-16f, 0x1p-14f, 1, 57_344, infinity, nan, -1.25f, -infinity);
        assertThat(bytes(Encoding.F8_E4M3FNUZ, 0x01, 0x40, 0x7f, 0x80, 0xff))
                .containsExactly(0x1p-10f, 1, 240, nan, -240);
        assertThat(bytes(Encoding.F8_E5M2FNUZ, 0x01, 0x40, 0x7f, 0x80, 0xff))
                .containsExactly(0x1p-17f, 1, 57_344, nan, -57_344);
        assertThat(bytes(Encoding.F8_E8M0, 0, 127, 254, 255)).containsExactly(0x1p-127f, 1, 0x1p127f, nan);
        assertThat(bytes(Encoding.U8, 0, 200)).containsExactly(0, 200);
    }

    /// E5M2 is the upper byte of an f16.
    @Test
    void decodesEveryE5m2AsTheHalfOfItsBits() {
        for (int bits = 0; bits < 256; bits++) {
            float half = Float.float16ToFloat((short) (bits << 8));

            assertThat(bytes(Encoding.F8_E5M2, bits)).containsExactly(half);
        }
    }

    private static float[] bytes(Encoding encoding, int... bits) {
        byte[] bytes = new byte[bits.length];
        for (int i = 0; i < bits.length; i++) {
            bytes[i] = (byte) bits[i];
        }
        return decode(encoding, bytes);
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
        assertThat(Dequantizer.canDecode(encoding)).isNotEqualTo(NOT_WEIGHTS.contains(encoding));
    }

    @ParameterizedTest
    @EnumSource(names = {"Q8_1", "Q8_K", "F4", "C64"})
    void refusesTheOthersByName(Encoding encoding) {
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
