package dev.trimtab.tensor.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.quantize.CodeKind.Zero;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CodeQuantizerTest {
    static Stream<CodeKind> kinds() {
        return IntStream.rangeClosed(CodeKind.BITS_MIN, CodeKind.BITS_MAX)
                .boxed()
                .flatMap(bits -> Stream.of(new CodeKind(bits, Zero.CENTRED), new CodeKind(bits, Zero.MINIMUM)));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void decodesToTheGridsValues(CodeKind kind) {
        var random = new Random(1);
        byte[] codes = new byte[CodeQuantizer.BLOCK];
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < codes.length; i++) {
                codes[i] = (byte) random.nextInt(1 << kind.bits());
            }
            CodeGrid grid = CodeGrid.of(
                    kind,
                    (float) random.nextGaussian() / 50,
                    kind.zero() == Zero.MINIMUM ? (float) random.nextGaussian() : 0);

            float[] decoded = written(grid, codes);

            for (int i = 0; i < codes.length; i++) {
                assertThat(decoded[i]).isEqualTo(grid.value(Byte.toUnsignedInt(codes[i])));
            }
        }
    }

    private static float[] written(CodeGrid grid, byte[] codes) {
        Encoding encoding = grid.kind().encoding();
        MemorySegment block = MemorySegment.ofArray(new byte[encoding.blockBytes()]);
        float[] decoded = new float[CodeQuantizer.BLOCK];
        new CodeQuantizer(grid.kind()).write(grid, codes, 0, block, 0);
        Dequantizer.decode(encoding, block, 0, decoded, 0, decoded.length);
        return decoded;
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void takesTheNearestCode(CodeKind kind) {
        CodeGrid grid = CodeGrid.of(kind, 0.03125f, kind.zero() == Zero.MINIMUM ? -0.5f : 0);
        int first = kind.zero() == Zero.CENTRED && kind.bits() >= 7 ? 1 : 0;
        for (int code = first; code < 1 << kind.bits(); code++) {
            assertThat(grid.code(grid.value(code))).isEqualTo(code);
            assertThat(grid.code(grid.value(code) + 0.014f)).isEqualTo(code);
            assertThat(grid.code(grid.value(code) - 0.014f)).isEqualTo(code);
        }
        assertThat(grid.code(1e30f)).isEqualTo((1 << kind.bits()) - 1);
        assertThat(grid.code(-1e30f)).isEqualTo(first);
    }

    /// The farthest weights lie on the grid, so no weight is farther from it than half a step, and half of
    /// what the scale lost as an f16 for each code.
    @ParameterizedTest
    @MethodSource("kinds")
    void keepsWeightsWithinHalfAStepOfTheExtremes(CodeKind kind) {
        var random = new Random(2);
        for (int count : new int[] {1, 7, 32, 128, 1000}) {
            float[] weights = new float[count];
            for (int i = 0; i < count; i++) {
                weights[i] = (float) random.nextGaussian();
            }

            CodeGrid grid = kind.extremes(weights, 0, count);

            float step = Math.abs(grid.scale());
            float reach = kind.zero() == Zero.CENTRED && kind.bits() < 7 ? step : step / 2;
            for (float weight : weights) {
                assertThat(grid.value(grid.code(weight))).isCloseTo(weight, within(reach + 0.004f));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void searchesNoWorseAGridThanTheExtremes(CodeKind kind) {
        var random = new Random(3);
        float[] weights = new float[128];
        float[] importance = new float[128];
        double searched = 0;
        double extremes = 0;
        for (int round = 0; round < 50; round++) {
            for (int i = 0; i < weights.length; i++) {
                weights[i] = (float) random.nextGaussian();
                importance[i] = random.nextFloat();
            }
            searched += error(kind.search(weights, importance, 0, 128), weights, importance);
            extremes += error(kind.extremes(weights, 0, 128), weights, importance);
        }

        assertThat(searched).isLessThan(extremes);
    }

    private static double error(CodeGrid grid, float[] weights, float[] importance) {
        double error = 0;
        for (int i = 0; i < weights.length; i++) {
            error += importance[i] * Math.pow(weights[i] - grid.value(grid.code(weights[i])), 2);
        }
        return error;
    }

    /// Codes could not be told from the decoded weights, which differ by less than the minimum's rounding.
    @Test
    void takesAGroupForConstantWhereItsRangeIsLostInItsMinimum() {
        float[] weights = new float[32];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = 1000 + i * 1e-4f;
        }

        CodeGrid grid = new CodeKind(8, Zero.MINIMUM).extremes(weights, 0, 32);

        assertThat(grid.scale()).isZero();
        assertThat(grid.minimum()).isEqualTo(1000);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 9})
    void hasTwoToEightBits(int bits) {
        assertThatThrownBy(() -> new CodeKind(bits, Zero.CENTRED)).isInstanceOf(Internal.class);
    }

    /// OCP 8-bit Floating Point Specification 1.0: halves go to the even mantissa, the least subnormal is 2^-9
    /// and 2^-16, what is beyond the end stays there.
    @ParameterizedTest
    @CsvSource({
        "1, 0x38, 0x3c",
        "-1.0625, 0xb8, 0xbc",
        "1.1875, 0x3a, 0x3d",
        "448, 0x7e, 0x5f",
        "1e6, 0x7e, 0x7b",
        "0.001953125, 0x01, 0x18",
        "0.0009, 0x00, 0x13",
        "0, 0, 0",
    })
    void roundsToTheNearestSmallFloat(float value, String e4m3, String e5m2) {
        assertThat(SmallFloatQuantizer.E4M3.bits(value)).isEqualTo(Integer.decode(e4m3));
        if (value != -1.0625f) {
            assertThat(SmallFloatQuantizer.E5M2.bits(value)).isEqualTo(Integer.decode(e5m2));
        }
    }
}
