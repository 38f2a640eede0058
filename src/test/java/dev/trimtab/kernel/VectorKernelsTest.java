package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Each operator and elementwise operation against its scalar twin; the vector width is the process's, or
/// what `kernel.vector.bits` says.
class VectorKernelsTest {
    private static final List<Integer> SIZES = List.of(1, 31, 32, 33, 63, 65, 575, 576, 4097);

    private final ComputePool pool = new ComputePool(2);
    private final ComputePool alone = new ComputePool(1);
    private final Kernels scalar = Kernels.scalar(pool);
    private final Kernels vector = Kernels.vector(pool);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
        pool.close();
        alone.close();
    }

    static Stream<Arguments> operators() {
        return Arrays.stream(PackedFormat.values())
                .flatMap(format -> Arrays.stream(ActivationPrecision.values())
                        .filter(precision -> precision == ActivationPrecision.FLOAT32 || isCoded(format))
                        .map(precision -> Arguments.of(format, precision)));
    }

    private static boolean isCoded(PackedFormat format) {
        return format == PackedFormat.INT8 || format == PackedFormat.INT4;
    }

    @ParameterizedTest
    @MethodSource("operators")
    void multipliesLikeTheScalarTwin(PackedFormat format, ActivationPrecision precision) {
        for (int size : SIZES) {
            int other = 1 + (size * 7) % 97;
            assertSameProduct(format, precision, size, other, 3);
            assertSameProduct(format, precision, other, size, 1);
            assertSameProduct(format, precision, other, size, 13);
        }
    }

    private void assertSameProduct(
            PackedFormat format, ActivationPrecision precision, int rows, int columns, int tokens) {
        Tensor weight = Sample.matrix(Encoding.F32, rows, columns, rows + columns);
        Activations in = Sample.activations(tokens, columns, 7);
        var expected = new Activations(tokens, rows);
        var actual = new Activations(tokens, rows);

        scalar.linear(weight, format, precision, arena).apply(in, expected);
        vector.linear(weight, format, precision, arena).apply(in, actual);

        assertClose(actual, expected, 1e-6f * (float) Math.sqrt(columns));
    }

    /// Every path of every operator: alone, two to nine at a time, in a panel, on one thread and on two.
    @ParameterizedTest
    @MethodSource("operators")
    void givesTokenSameBitsWhateverSharesItsBatch(PackedFormat format, ActivationPrecision precision) {
        int rows = 77;
        int columns = 1100;
        int tokens = 64;
        Tensor weight = Sample.matrix(Encoding.F32, rows, columns, 1);
        LinearOperator shared = vector.linear(weight, format, precision, arena);
        LinearOperator single = Kernels.vector(alone).linear(weight, format, precision, arena);
        Activations in = Sample.activations(tokens, columns, 2);
        var expected = new Activations(tokens, rows);
        var one = new Activations(1, rows);
        expected.reset(tokens);
        for (int token = 0; token < tokens; token++) {
            shared.apply(Sample.only(in, token, 1), one);
            System.arraycopy(one.values(), 0, expected.values(), token * one.stride(), one.stride());
        }

        for (int count : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 64}) {
            for (int first = 0; first + count <= tokens; first += 17) {
                Activations batch = Sample.only(in, first, count);
                for (LinearOperator linear : List.of(shared, single)) {
                    var out = new Activations(count, rows);
                    linear.apply(batch, out);
                    assertSameBits(out, 0, expected, first, count);
                }
            }
        }
    }

    @Test
    void keepsPaddingZeroUnderNaN() {
        Tensor weight = Sample.matrix(Encoding.F32, 33, 64, 1);
        for (int tokens : new int[] {1, 2, 9}) {
            Activations in = Sample.activations(tokens, 64, 2);
            in.values()[3] = Float.NaN;
            var out = new Activations(tokens, 33);

            vector.linear(weight, PackedFormat.INT4, ActivationPrecision.INT8, arena)
                    .apply(in, out);

            assertThat(out.values()[0]).isNaN();
            assertThat(Arrays.copyOfRange(out.values(), 33, 64)).containsOnly(0);
        }
    }

    @Test
    void takesSubnormalHalvesAtTheirValue() {
        var bytes = new byte[64];
        for (int i = 0; i < 32; i++) {
            bytes[2 * i] = (byte) (i + 1);
            bytes[2 * i + 1] = (byte) (i % 2 == 0 ? 0 : 0x80);
        }
        var weight = new Tensor(
                "tiny",
                Encoding.F16,
                dev.trimtab.tensor.Shape.of(32, 1),
                java.lang.foreign.MemorySegment.ofArray(bytes));
        Activations in = Sample.activations(1, 1, 1);
        in.values()[0] = 1;
        var out = new Activations(1, 32);

        vector.linear(weight, PackedFormat.F16, ActivationPrecision.FLOAT32, arena)
                .apply(in, out);

        for (int i = 0; i < 32; i++) {
            assertThat(out.values()[i]).isEqualTo((i % 2 == 0 ? 1 : -1) * (i + 1) * 0x1p-24f);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 32, 33, 172, 576, 4097})
    void normalizesLikeTheScalarTwin(int columns) {
        Activations in = Sample.activations(5, columns, 1);
        float[] weight = Arrays.copyOf(Sample.activations(1, columns, 2).values(), columns);
        var expected = new Activations(5, columns);
        var actual = new Activations(5, columns);

        scalar.rmsNorm(in, weight, 1e-5f, expected);
        vector.rmsNorm(in, weight, 1e-5f, actual);

        assertClose(actual, expected, 2e-6f);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 33, 4097})
    void addsAndGatesLikeTheScalarTwin(int columns) {
        Activations gate = Sample.activations(4, columns, 1);
        for (int i = 0; i < columns; i++) {
            gate.values()[i] *= 40;
        }
        Activations up = Sample.activations(4, columns, 2);
        float[] bias = Arrays.copyOf(up.values(), columns);
        var expected = new Activations(4, columns);
        var actual = new Activations(4, columns);

        scalar.swiglu(gate, up, expected);
        scalar.add(expected, up);
        scalar.addBias(expected, bias);
        vector.swiglu(gate, up, actual);
        vector.add(actual, up);
        vector.addBias(actual, bias);

        assertClose(actual, expected, 2e-6f);
    }

    @ParameterizedTest
    @CsvSource({"-1000, 0", "-87.2, 0", "-1, 2e-7", "0, 0", "0.5, 2e-7", "88, 3e-7"})
    void exponentialIsWithinTwoUnits(float x, float tolerance) {
        var vectorOfX = jdk.incubator.vector.FloatVector.broadcast(Lanes.FLOATS, x);

        float exp = VectorElementwise.exp(vectorOfX).lane(0);

        assertThat((double) exp).isCloseTo(Math.exp(x), within(Math.max(tolerance * Math.exp(x), 1.5e-38)));
    }

    @Test
    void exponentialKeepsNaNAndOverflows() {
        var special = jdk.incubator.vector.FloatVector.broadcast(Lanes.FLOATS, Float.NaN);

        assertThat(VectorElementwise.exp(special).lane(0)).isNaN();
        assertThat(VectorElementwise.exp(special.broadcast(1e9f)).lane(0)).isInfinite();
    }

    static void assertClose(Activations actual, Activations expected, float tolerance) {
        assertThat(actual.tokens()).isEqualTo(expected.tokens());
        for (int token = 0; token < expected.tokens(); token++) {
            float largest = 0.1f;
            for (int i = 0; i < expected.columns(); i++) {
                largest = Math.max(largest, Math.abs(expected.values()[token * expected.stride() + i]));
            }
            for (int i = 0; i < expected.stride(); i++) {
                float found = actual.values()[token * actual.stride() + i];
                float wanted = expected.values()[token * expected.stride() + i];
                assertThat(found).as("token %d element %d", token, i).isCloseTo(wanted, within(tolerance * largest));
            }
        }
    }

    static void assertSameBits(Activations actual, int token, Activations expected, int expectedToken, int count) {
        int stride = actual.stride();
        for (int i = 0; i < count * stride; i++) {
            int found = Float.floatToRawIntBits(actual.values()[token * stride + i]);
            int wanted = Float.floatToRawIntBits(expected.values()[expectedToken * stride + i]);
            if (found != wanted) {
                assertThat(found)
                        .as("token %d element %d of %d", i / stride, i % stride, count)
                        .isEqualTo(wanted);
            }
        }
    }
}
