package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.tensor.CodeScales;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Codes that were chosen elsewhere reach the kernels unchanged.
class PackedCodesTest {
    private static final int ROWS = 70;
    private static final int COLUMNS = 320;

    /// Encodings whose blocks of 32 are those of a packed format.
    static Set<Encoding> coded() {
        Set<Encoding> coded = EnumSet.allOf(Encoding.class);
        coded.removeIf(encoding ->
                encoding.blockElements() != 32 || CodeScales.of(encoding).codeBits() == 0);
        return coded;
    }

    @ParameterizedTest
    @MethodSource("coded")
    void packsEveryCodeAsItIs(Encoding encoding) {
        Tensor weight = randomCodes(encoding);
        float[] decoded = Sample.decoded(weight);
        float[] row = new float[COLUMNS];
        PackedFormat format = PackedFormat.lossless(encoding);

        try (ComputePool pool = new ComputePool(2);
                Arena arena = Arena.ofShared()) {
            PackedMatrix packed = PackedMatrix.pack(weight, format, pool, arena);

            assertThat(format.codeBits()).isEqualTo(CodeScales.of(encoding).codeBits());
            assertThat(packed.format()).isEqualTo(format);
            for (int r = 0; r < ROWS; r++) {
                packed.row(r, row, 0);
                for (int c = 0; c < COLUMNS; c++) {
                    assertThat(Float.floatToRawIntBits(row[c]))
                            .as("%s [%d, %d]", encoding, r, c)
                            .isEqualTo(Float.floatToRawIntBits(decoded[r * COLUMNS + c]));
                }
            }
        }
    }

    /// All bits random but the scales, which are numbers.
    private static Tensor randomCodes(Encoding encoding) {
        var random = new Random(encoding.name().hashCode());
        byte[] bytes = new byte[Math.toIntExact(ROWS * encoding.sizeBytes(COLUMNS))];
        random.nextBytes(bytes);
        for (int at = 0; at < bytes.length; at += encoding.blockBytes()) {
            putHalf(bytes, at, (float) random.nextGaussian() / 100);
            if (CodeScales.of(encoding).hasMinimum()) {
                putHalf(bytes, at + 2, (float) random.nextGaussian());
            }
        }
        return new Tensor("codes", encoding, Shape.of(ROWS, COLUMNS), MemorySegment.ofArray(bytes));
    }

    private static void putHalf(byte[] bytes, int at, float value) {
        short half = Float.floatToFloat16(value);
        bytes[at] = (byte) half;
        bytes[at + 1] = (byte) (half >> 8);
    }
}
