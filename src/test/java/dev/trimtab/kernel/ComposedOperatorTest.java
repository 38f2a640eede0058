package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// [SumOperator] and [LowRankOperator], against the matrices they stand for.
class ComposedOperatorTest {
    private static final int ROWS = 77;
    private static final int COLUMNS = 172;
    private static final int RANK = 32;
    private static final int TOKENS = 13;

    private final ComputePool pool = new ComputePool(2);
    private final Kernels kernels = Kernels.best(pool);
    private final Arena arena = Arena.ofShared();
    private final Tensor base = Sample.matrix(Encoding.F32, ROWS, COLUMNS, 1);
    private final Tensor left = Sample.matrix(Encoding.F32, ROWS, RANK, 2);
    private final Tensor right = Sample.matrix(Encoding.F32, RANK, COLUMNS, 3);

    @AfterEach
    void close() {
        arena.close();
        pool.close();
    }

    @Test
    void multipliesAsTheSumOfItsMatrices() {
        SumOperator sum = sum(PackedFormat.F32, ActivationPrecision.FLOAT32);
        Activations in = Sample.activations(TOKENS, COLUMNS, 4);
        var out = new Activations(TOKENS, ROWS);

        sum.apply(in, out);

        float[] expected = expectedSum();
        assertThat(out.tokens()).isEqualTo(TOKENS);
        for (int token = 0; token < TOKENS; token++) {
            for (int row = 0; row < ROWS; row++) {
                double product = 0;
                for (int i = 0; i < COLUMNS; i++) {
                    product += (double) expected[row * COLUMNS + i] * in.values()[token * in.stride() + i];
                }
                assertThat(out.values()[token * out.stride() + row]).isCloseTo((float) product, within(1e-4f));
            }
        }
    }

    @Test
    void readsRowsOfTheSum() {
        SumOperator sum = sum(PackedFormat.F32, ActivationPrecision.FLOAT32);
        float[] expected = expectedSum();

        float[] row = new float[COLUMNS + 2];
        for (int i = ROWS - 1; i >= 0; i--) {
            row[0] = row[COLUMNS + 1] = -7;
            sum.row(i, row, 1);

            assertThat(row[0]).isEqualTo(-7);
            assertThat(row[COLUMNS + 1]).isEqualTo(-7);
            for (int column = 0; column < COLUMNS; column++) {
                assertThat(row[1 + column]).isCloseTo(expected[i * COLUMNS + column], within(1e-5f));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(ActivationPrecision.class)
    void givesTokenSameBitsWhateverSharesItsBatch(ActivationPrecision precision) {
        SumOperator sum = sum(PackedFormat.INT8, precision);
        Activations in = Sample.activations(TOKENS, COLUMNS, 4);
        var whole = new Activations(TOKENS, ROWS);
        sum.apply(in, whole);

        for (int count : new int[] {1, 2, 5}) {
            for (int first = 0; first + count <= TOKENS; first++) {
                var part = new Activations(count, ROWS);
                sum.apply(Sample.only(in, first, count), part);
                for (int i = 0; i < count * part.stride(); i++) {
                    assertThat(part.values()[i]).isEqualTo(whole.values()[first * whole.stride() + i]);
                }
            }
        }
    }

    /// The scratch is left with the numbers of another input, of more tokens.
    @Test
    void takesNothingFromTheBatchBefore() {
        SumOperator sum = sum(PackedFormat.INT8, ActivationPrecision.INT8);
        Activations in = Sample.activations(3, COLUMNS, 4);
        var fresh = new Activations(3, ROWS);
        var again = new Activations(3, ROWS);

        sum.apply(in, fresh);
        sum.apply(Sample.activations(TOKENS, COLUMNS, 5), new Activations(TOKENS, ROWS));
        sum.apply(in, again);

        assertThat(again.values()).containsExactly(fresh.values());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void takesEmptyAndSingleBatches(int tokens) {
        var out = new Activations(1, ROWS);

        sum(PackedFormat.F32, ActivationPrecision.FLOAT32).apply(Sample.activations(tokens, COLUMNS, 4), out);

        assertThat(out.tokens()).isEqualTo(tokens);
    }

    @Test
    void holdsTheBytesOfItsParts() {
        LinearOperator b = linear(left, PackedFormat.F32, ActivationPrecision.FLOAT32);
        LinearOperator a = linear(right, PackedFormat.F32, ActivationPrecision.FLOAT32);
        LinearOperator w = linear(base, PackedFormat.F32, ActivationPrecision.FLOAT32);
        var product = new LowRankOperator(b, a, new Activations(TOKENS, RANK));

        assertThat(product.sizeBytes()).isEqualTo(a.sizeBytes() + b.sizeBytes());
        assertThat(new SumOperator(w, product, kernels, new Activations(TOKENS, ROWS)).sizeBytes())
                .isEqualTo(w.sizeBytes() + a.sizeBytes() + b.sizeBytes());
    }

    @Test
    void refusesShapesThatDoNotFit() {
        LinearOperator b = linear(left, PackedFormat.F32, ActivationPrecision.FLOAT32);
        LinearOperator a = linear(right, PackedFormat.F32, ActivationPrecision.FLOAT32);

        assertThatThrownBy(() -> new LowRankOperator(a, b, new Activations(1, RANK)))
                .isInstanceOf(Internal.class)
                .hasMessageContaining("right factor of " + COLUMNS + " rows expected, found " + ROWS);
        assertThatThrownBy(() -> new LowRankOperator(b, a, new Activations(1, RANK + 1)))
                .isInstanceOf(Internal.class)
                .hasMessageContaining("scratch of 32 columns");
        assertThatThrownBy(() -> new SumOperator(a, b, kernels, new Activations(1, RANK)))
                .isInstanceOf(Internal.class)
                .hasMessageContaining("[32, 172] expected, found [77, 32]");
    }

    private SumOperator sum(PackedFormat format, ActivationPrecision precision) {
        var product = new LowRankOperator(
                linear(left, format, precision), linear(right, format, precision), new Activations(TOKENS, RANK));
        return new SumOperator(linear(base, format, precision), product, kernels, new Activations(TOKENS, ROWS));
    }

    private LinearOperator linear(Tensor tensor, PackedFormat format, ActivationPrecision precision) {
        return kernels.linear(tensor, format, precision, arena);
    }

    private float[] expectedSum() {
        float[] sum = Sample.decoded(base);
        float[] b = Sample.decoded(left);
        float[] a = Sample.decoded(right);
        for (int row = 0; row < ROWS; row++) {
            for (int column = 0; column < COLUMNS; column++) {
                for (int k = 0; k < RANK; k++) {
                    sum[row * COLUMNS + column] += b[row * RANK + k] * a[k * COLUMNS + column];
                }
            }
        }
        return sum;
    }
}
