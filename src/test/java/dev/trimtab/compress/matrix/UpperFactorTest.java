package dev.trimtab.compress.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.kernel.ComputePool;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UpperFactorTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 31, 32, 33, 64, 100, 257})
    void multipliesBackToTheMatrix(int size) {
        float[] matrix = positive(size);

        try (ComputePool pool = new ComputePool(2)) {
            UpperFactor factor =
                    UpperFactor.of(size, (i, j) -> matrix[i * size + j], pool).orElseThrow();

            for (int i = 0; i < size; i++) {
                for (int j = i; j < size; j++) {
                    double sum = 0;
                    for (int k = j; k < size; k++) {
                        sum += (double) factor.at(i, k) * factor.at(j, k);
                    }
                    assertThat(sum).isCloseTo(matrix[i * size + j], within(1e-4 * size));
                }
            }
        }
    }

    @Test
    void isEmptyForWhatIsNotPositiveDefinite() {
        float[] matrix = positive(70);
        matrix[69 * 70 + 69] = -1;
        float[] broken = positive(70);
        broken[3 * 70 + 60] = Float.NaN;

        try (ComputePool pool = new ComputePool(2)) {
            assertThat(UpperFactor.of(70, (i, j) -> matrix[i * 70 + j], pool)).isEmpty();
            assertThat(UpperFactor.of(70, (i, j) -> broken[i * 70 + j], pool)).isEmpty();
        }
    }

    /// `A A^T + 1` of normal elements.
    private static float[] positive(int size) {
        var random = new Random(size);
        double[] a = new double[size * size];
        for (int i = 0; i < a.length; i++) {
            a[i] = random.nextGaussian();
        }
        float[] matrix = new float[size * size];
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                double sum = i == j ? 1 : 0;
                for (int k = 0; k < size; k++) {
                    sum += a[i * size + k] * a[j * size + k];
                }
                matrix[i * size + j] = (float) sum;
            }
        }
        return matrix;
    }
}
