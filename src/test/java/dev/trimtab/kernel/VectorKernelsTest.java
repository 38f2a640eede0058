package dev.trimtab.kernel;

import static dev.trimtab.kernel.ActivationPrecision.INT8;
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
import org.junit.jupiter.params.provider.EnumSource;
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
                        .filter(precision -> precision == ActivationPrecision.FLOAT32 || format.isCoded())
                        .map(precision -> Arguments.of(format, precision)));
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

    /// Joined operators of other formats and heights, in one run; with one of another tier among them, in turn.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 9})
    void joinsOperatorsWithoutChangingBits(int tokens) {
        int columns = 1100;
        Activations in = Sample.activations(tokens, columns, 3);
        List<LinearOperator> parts = List.of(
                vector.linear(Sample.matrix(Encoding.F32, 300, columns, 1), PackedFormat.INT4, INT8, arena),
                vector.linear(Sample.matrix(Encoding.F32, 33, columns, 2), PackedFormat.INT8, INT8, arena),
                vector.linear(Sample.matrix(Encoding.F32, 1, columns, 3), PackedFormat.F16, INT8, arena),
                scalar.linear(Sample.matrix(Encoding.F32, 40, columns, 4), PackedFormat.INT4, INT8, arena));

        for (int count : new int[] {1, 3, 4}) {
            List<Activations> outs = parts.subList(0, count).stream()
                    .map(part -> new Activations(tokens, part.rows()))
                    .toList();
            vector.join(parts.subList(0, count)).apply(in, outs);

            for (int i = 0; i < count; i++) {
                var expected = new Activations(tokens, parts.get(i).rows());
                parts.get(i).apply(in, expected);
                assertThat(outs.get(i).tokens()).isEqualTo(tokens);
                assertSameBits(outs.get(i), 0, expected, 0, tokens);
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
        float[] bias = Arrays.copyOf(Sample.activations(1, columns, 3).values(), columns);
        var expected = new Activations(5, columns);
        var actual = new Activations(5, columns);

        scalar.rmsNorm(in, weight, 1e-5f, expected);
        vector.rmsNorm(in, weight, 1e-5f, actual);
        assertClose(actual, expected, 2e-6f);

        scalar.layerNorm(in, weight, bias, 1e-5f, expected);
        vector.layerNorm(in, weight, bias, 1e-5f, actual);
        assertClose(actual, expected, 2e-6f);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 33, 80, 128})
    void normalizesHeadsLikeTheScalarTwin(int headDim) {
        float[] weight = Arrays.copyOf(Sample.activations(1, headDim, 2).values(), headDim);
        Activations expected = Sample.activations(5, 3 * headDim, 1);
        Activations actual = Sample.activations(5, 3 * headDim, 1);

        scalar.rmsNormHeads(expected, weight, 1e-5f);
        vector.rmsNormHeads(actual, weight, 1e-5f);

        assertClose(actual, expected, 2e-6f);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 33, 4097})
    void addsAndScalesLikeTheScalarTwin(int columns) {
        Activations delta = Sample.activations(3, columns, 2);
        float[] bias = Arrays.copyOf(delta.values(), columns);
        int[] rows = {4, 0, 2};
        float[] weights = {0.5f, -3, 1e-3f};
        Activations expected = Sample.activations(5, columns, 1);
        Activations actual = Sample.activations(5, columns, 1);

        for (Kernels kernels : List.of(scalar, vector)) {
            Activations x = kernels.equals(scalar) ? expected : actual;
            kernels.addRows(x, rows, weights, delta);
            kernels.addBias(x, bias);
            kernels.add(x, Sample.activations(5, columns, 3));
            kernels.scale(x, 0.22f);
        }

        assertClose(actual, expected, 2e-6f);
    }

    @ParameterizedTest
    @EnumSource(Kernels.Nonlinearity.class)
    void bendsAndGatesLikeTheScalarTwin(Kernels.Nonlinearity f) {
        for (int columns : new int[] {1, 33, 4097}) {
            Activations gate = Sample.activations(4, columns, 1);
            for (int i = 0; i < columns; i++) {
                gate.values()[i] *= 40;
            }
            Activations up = Sample.activations(4, columns, 2);
            var expected = new Activations(4, columns);
            var actual = new Activations(4, columns);

            scalar.gate(f, gate, up, expected);
            vector.gate(f, gate, up, actual);
            assertClose(actual, expected, 2e-6f);

            scalar.activate(f, gate, expected);
            vector.activate(f, gate, actual);
            assertClose(actual, expected, 2e-6f);
        }
    }

    @Test
    void bendsExtremesToZeroAndThemselves() {
        Activations in = Sample.activations(1, 4, 1);
        System.arraycopy(new float[] {-1e9f, -100, 100, 1e9f}, 0, in.values(), 0, 4);
        for (Kernels kernels : List.of(scalar, vector)) {
            for (Kernels.Nonlinearity f : Kernels.Nonlinearity.values()) {
                var out = new Activations(1, 4);

                kernels.activate(f, in, out);

                assertThat(Arrays.copyOf(out.values(), 4))
                        .as("%s of %s", f, kernels.name())
                        .satisfies(bent -> {
                            assertThat(bent).contains(new float[] {0, 0, 100, 1e9f}, within(1e-30f));
                        });
            }
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0.5f, 30, 50})
    void capsLikeTheScalarTwin(float cap) {
        Activations expected = Sample.activations(4, 1000, 1);
        for (int i = 0; i < 1000; i++) {
            expected.values()[i] *= 40;
        }
        Activations actual = Sample.only(expected, 0, 4);

        scalar.softCap(expected, cap);
        vector.softCap(actual, cap);

        assertClose(actual, expected, cap * 1e-7f + 5e-7f);
        assertThat(Arrays.stream(new int[] {0, 1, 2}).mapToObj(i -> actual.values()[i]))
                .allMatch(value -> Math.abs(value) <= cap);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 33, 4097})
    void roundsToInt8LikeTheScalarTwin(int columns) {
        Activations original = Sample.activations(3, columns, 1);
        Activations expected = Sample.only(original, 0, 3);
        Activations actual = Sample.only(original, 0, 3);

        scalar.roundToInt8(expected);
        vector.roundToInt8(actual);

        assertClose(actual, expected, 0);
        assertClose(actual, original, 0.5f / 127 + 1e-6f);
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
