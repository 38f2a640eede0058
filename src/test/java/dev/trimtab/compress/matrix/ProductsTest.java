package dev.trimtab.compress.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.kernel.ComputePool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProductsTest {
    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "3, 5, 7", "4, 128, 256", "5, 129, 257", "129, 300, 513", "40, 1000, 33", "600, 3, 1"})
    void multipliesAsTheReference(int m, int k, int n) {
        Matrix a = Samples.normal(m, k, 1);
        Matrix b = Samples.normal(k, n, 2);
        Matrix expected = Samples.fromLibrary(Samples.times(a, b));

        assertClose(Products.times(a, b, pool), expected, k);
        assertClose(Products.timesTransposed(a, transposed(b), pool), expected, k);
        assertClose(Products.transposedTimes(transposed(a), b, pool), expected, k);
    }

    @Test
    void givesTheSameBitsOnAnyNumberOfThreads() {
        Matrix a = Samples.normal(300, 200, 1);
        Matrix b = Samples.normal(200, 1100, 2);

        try (var alone = new ComputePool(1)) {
            assertThat(Products.times(a, b, pool).values())
                    .containsExactly(Products.times(a, b, alone).values());
        }
    }

    /// What pads a block is no operand: an infinity beside it must not turn zeros to NaN.
    @Test
    void keepsWhatIsNotFiniteToItsOwnElements() {
        Matrix a = Samples.normal(5, 3, 1);
        Matrix b = Samples.normal(3, 6, 2);
        a.values()[0] = Float.POSITIVE_INFINITY;
        b.values()[5] = Float.NaN;

        Matrix c = Products.times(a, b, pool);

        for (int row = 0; row < 5; row++) {
            for (int column = 0; column < 6; column++) {
                assertThat(Float.isFinite(c.at(row, column))).isEqualTo(row > 0 && column < 5);
            }
        }
    }

    private static void assertClose(Matrix actual, Matrix expected, int terms) {
        assertThat(actual.shape()).isEqualTo(expected.shape());
        for (int i = 0; i < expected.values().length; i++) {
            assertThat(actual.values()[i]).isCloseTo(expected.values()[i], within(1e-6f * (terms + 4)));
        }
    }

    static Matrix transposed(Matrix matrix) {
        Matrix turned = new Matrix(matrix.columns(), matrix.rows());
        for (int row = 0; row < matrix.rows(); row++) {
            for (int column = 0; column < matrix.columns(); column++) {
                turned.values()[column * matrix.rows() + row] = matrix.at(row, column);
            }
        }
        return turned;
    }
}
