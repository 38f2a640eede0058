package dev.trimtab.compress.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.ComputePool;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CholeskyTest {
    private static final ComputePool POOL = new ComputePool(2);

    @AfterAll
    static void close() {
        POOL.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 63, 64, 65, 130, 200})
    void isTheRootOfTheMatrix(int n) {
        double[] matrix = positive(n);

        double[] lower = Cholesky.of(n, matrix.clone(), POOL).lower();

        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = 0;
                for (int k = 0; k <= j; k++) {
                    sum += lower[i * n + k] * lower[j * n + k];
                }
                assertThat(sum).isCloseTo(matrix[i * n + j], within(1e-10 * n));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 64, 131})
    void solvesRowByRow(int n) {
        double[] matrix = positive(n);
        double[][] expected = new double[150][n];
        double[][] rows = new double[150][n];
        Random random = new Random(4);
        for (int row = 0; row < rows.length; row++) {
            for (int i = 0; i < n; i++) {
                expected[row][i] = random.nextGaussian();
            }
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    rows[row][i] += matrix[i * n + j] * expected[row][j];
                }
            }
        }

        Cholesky.of(n, matrix, POOL).solveRows(rows);

        for (int row = 0; row < rows.length; row++) {
            for (int i = 0; i < n; i++) {
                assertThat(rows[row][i]).isCloseTo(expected[row][i], within(1e-7));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 64, 150})
    void invertsItsRoot(int n) {
        Cholesky cholesky = Cholesky.of(n, positive(n), POOL);

        double[][] inverse = cholesky.inverseLower();

        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int k = 0; k <= i; k++) {
                    sum += cholesky.lower()[i * n + k] * inverse[k][j];
                }
                assertThat(sum).isCloseTo(i == j ? 1 : 0, within(1e-9));
            }
        }
    }

    @Test
    void refusesWhatHasNoRoot() {
        assertThatThrownBy(() -> Cholesky.of(2, new double[] {1, 2, 2, 1}, POOL))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("column 1 of 2");
        assertThatThrownBy(() -> Cholesky.of(1, new double[] {Double.NaN}, POOL))
                .isInstanceOf(BadCheckpoint.class);
    }

    /// `B B^T / n + I / 10`
    private static double[] positive(int n) {
        Random random = new Random(n);
        double[] b = random.doubles((long) n * n, -1, 1).toArray();
        double[] matrix = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                for (int k = 0; k < n; k++) {
                    matrix[i * n + j] += b[i * n + k] * b[j * n + k] / n;
                }
            }
            matrix[i * n + i] += 0.1;
        }
        return matrix;
    }
}
