package dev.trimtab.compress.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.kernel.ComputePool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OrthonormalTest {
    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 9", "31, 40", "33, 33", "100, 300"})
    void makesRowsOrthonormalAndKeepsTheirSpan(int count, int length) {
        Matrix rows = Samples.normal(count, length, 1);
        Matrix q = rows.copy();

        Orthonormal.rows(q, pool);

        assertOrthonormal(q);
        Matrix shares = Products.timesTransposed(rows, q, pool);
        Matrix back = Products.times(shares, q, pool);
        assertThat(Samples.squares(rows.minus(back))).isLessThan(1e-9 * Samples.squares(rows));
    }

    /// Rows twice, rows of zeros, rows a million times smaller: what depends becomes some direction, but none
    /// of what is there is lost.
    @Test
    void takesDependentRows() {
        Matrix rows = Samples.ofRank(90, 200, 20, 1, 1);
        for (int i = 0; i < 200; i++) {
            rows.values()[40 * 200 + i] = 0;
            rows.values()[41 * 200 + i] *= 1e-6f;
        }
        Matrix q = rows.copy();

        Orthonormal.rows(q, pool);

        assertOrthonormal(q);
        Matrix back = Products.times(Products.timesTransposed(rows, q, pool), q, pool);
        assertThat(Samples.squares(rows.minus(back))).isLessThan(1e-9 * Samples.squares(rows));
    }

    @Test
    void takesZeros() {
        Matrix q = new Matrix(40, 64);

        Orthonormal.rows(q, pool);

        assertOrthonormal(q);
    }

    private void assertOrthonormal(Matrix q) {
        Matrix gram = Products.timesTransposed(q, q, pool);
        for (int i = 0; i < q.rows(); i++) {
            for (int j = 0; j < q.rows(); j++) {
                assertThat(gram.at(i, j)).as(i + ", " + j).isCloseTo(i == j ? 1 : 0, within(3e-6f));
            }
        }
    }
}
