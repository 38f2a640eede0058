package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.error.Internal;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The operator of vector-wise sparse matrices, in both tiers; the vector width is the process's, or what
/// `kernel.vector.bits` says.
class SparseOperatorTest {
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

    /// To the bit, for both run the same sums.
    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "F16"})
    void multipliesLikeTheScalarTwin(Encoding encoding) {
        for (int rows : new int[] {1, 31, 32, 33, 64, 575}) {
            for (int columns : new int[] {1, 33, 257}) {
                for (int tokens : new int[] {1, 2, 3, 4, 5, 13}) {
                    TensorForm.VectorSparse form = sparse(encoding, rows, columns, 0.4, rows + columns);
                    Activations in = Sample.activations(tokens, columns, 7);
                    var expected = new Activations(tokens, rows);
                    var actual = new Activations(tokens, rows);

                    scalar.vectorSparse(form, arena).apply(in, expected);
                    vector.vectorSparse(form, arena).apply(in, actual);

                    assertThat(actual.tokens()).isEqualTo(tokens);
                    assertThat(Arrays.copyOf(actual.values(), tokens * actual.stride()))
                            .isEqualTo(Arrays.copyOf(expected.values(), tokens * expected.stride()));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "F16"})
    void multipliesWhatTheFormSays(Encoding encoding) {
        int rows = 70;
        int columns = 300;
        TensorForm.VectorSparse form = sparse(encoding, rows, columns, 0.5, 3);
        Activations in = Sample.activations(2, columns, 4);
        var out = new Activations(2, rows);
        LinearOperator operator = vector.vectorSparse(form, arena);
        float[] expectedRow = new float[columns];
        float[] actualRow = new float[columns + 1];

        operator.apply(in, out);

        assertThat(operator.rows()).isEqualTo(rows);
        assertThat(operator.columns()).isEqualTo(columns);
        for (int row = 0; row < rows; row++) {
            form.row(row, expectedRow, 0);
            operator.row(row, actualRow, 1);
            assertThat(Arrays.copyOfRange(actualRow, 1, columns + 1)).isEqualTo(expectedRow);
            for (int token = 0; token < 2; token++) {
                double sum = 0;
                for (int i = 0; i < columns; i++) {
                    sum += (double) expectedRow[i] * in.values()[token * in.stride() + i];
                }
                assertThat((double) out.values()[token * out.stride() + row]).isCloseTo(sum, within(1e-4));
            }
        }
    }

    /// Alone, in groups, and in several stretches; on one thread and on two.
    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "F16"})
    void givesTokenSameBitsWhateverSharesItsBatch(Encoding encoding) {
        int rows = 77;
        int columns = 4000;
        int tokens = 23;
        TensorForm.VectorSparse form = sparse(encoding, rows, columns, 0.3, 5);
        LinearOperator shared = vector.vectorSparse(form, arena);
        LinearOperator single = Kernels.vector(alone).vectorSparse(form, arena);
        Activations in = Sample.activations(tokens, columns, 2);
        var one = new Activations(1, rows);
        float[][] expected = new float[tokens][];
        for (int token = 0; token < tokens; token++) {
            shared.apply(Sample.only(in, token, 1), one);
            expected[token] = Arrays.copyOf(one.values(), one.stride());
        }

        for (int count : new int[] {1, 2, 3, 4, 5, 8, 21}) {
            for (LinearOperator operator : List.of(shared, single)) {
                var out = new Activations(count, rows);
                operator.apply(Sample.only(in, 2, count), out);
                for (int token = 0; token < count; token++) {
                    assertThat(Arrays.copyOfRange(out.values(), token * out.stride(), (token + 1) * out.stride()))
                            .isEqualTo(expected[2 + token]);
                }
            }
        }
    }

    @Test
    void keepsPaddingZeroUnderNaN() {
        TensorForm.VectorSparse form = sparse(Encoding.Q8_0, 33, 64, 1, 1);
        for (int tokens : new int[] {1, 2, 9}) {
            Activations in = Sample.activations(tokens, 64, 2);
            in.values()[3] = Float.NaN;
            var out = new Activations(tokens, 33);

            vector.vectorSparse(form, arena).apply(in, out);

            assertThat(out.values()[0]).isNaN();
            assertThat(Arrays.copyOfRange(out.values(), 33, 64)).containsOnly(0);
        }
    }

    @Test
    void takesMemoryInProportionToWhatIsKept() {
        long half = vector.vectorSparse(sparse(Encoding.Q8_0, 64, 1000, 0.5, 1), arena)
                .sizeBytes();
        long whole = vector.vectorSparse(sparse(Encoding.Q8_0, 64, 1000, 1, 1), arena)
                .sizeBytes();

        assertThat((double) half / whole).isCloseTo(0.5, within(0.05));
    }

    @Test
    void refusesVectorsItCannotMultiply() {
        TensorForm.VectorSparse coarse = sparse(Encoding.Q4_0, 32, 40, 0.5, 1);
        TensorForm.VectorSparse infinite = sparse(Encoding.F16, 32, 40, 0.5, 1);
        byte[] bytes = infinite.lines().data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        bytes[1] = 0x7c;
        bytes[0] = 0;
        Tensor broken = new Tensor("sparse", Encoding.F16, infinite.lines().shape(), MemorySegment.ofArray(bytes));

        for (Kernels kernels : List.of(scalar, vector)) {
            assertThatThrownBy(() -> kernels.vectorSparse(coarse, arena))
                    .isInstanceOf(Unsupported.class)
                    .hasMessageContaining("Q4_0");
            assertThatThrownBy(() -> kernels.vectorSparse(
                            new TensorForm.VectorSparse(
                                    infinite.shape(), infinite.starts(), infinite.columns(), broken),
                            arena))
                    .isInstanceOf(Unsupported.class)
                    .hasMessageContaining("Infinity");
        }
    }

    @Test
    void refusesColumnsThatTheMatrixLacks() {
        TensorForm.VectorSparse form = sparse(Encoding.Q8_0, 32, 40, 0.5, 1);
        int[] columns = form.columns().clone();
        columns[columns.length - 1] = 40;

        assertThatThrownBy(() -> vector.vectorSparse(
                        new TensorForm.VectorSparse(form.shape(), form.starts(), columns, form.lines()), arena))
                .isInstanceOf(Internal.class)
                .hasMessageContaining("below 40");
    }

    /// Each panel keeps a number of its own of random columns, at least one; about `density` of all.
    private static TensorForm.VectorSparse sparse(Encoding encoding, int rows, int columns, double density, long seed) {
        Random random = new Random(seed);
        int panels = Math.ceilDiv(rows, TensorForm.VectorSparse.PANEL);
        int[] starts = new int[panels + 1];
        List<Integer> kept = new ArrayList<>();
        for (int panel = 0; panel < panels; panel++) {
            int before = kept.size();
            IntStream.range(0, columns)
                    .filter(_ -> random.nextDouble() < density)
                    .forEach(kept::add);
            if (kept.size() == before) {
                kept.add(random.nextInt(columns));
            }
            starts[panel + 1] = kept.size();
        }
        return new TensorForm.VectorSparse(
                Shape.of(rows, columns),
                starts,
                kept.stream().mapToInt(Integer::intValue).toArray(),
                Sample.matrix(encoding, kept.size(), TensorForm.VectorSparse.PANEL, seed));
    }
}
