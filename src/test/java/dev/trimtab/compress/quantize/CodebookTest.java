package dev.trimtab.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.TensorForm;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CodebookTest {
    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    /// The worked example: 16 weights of 32 bits become four centroids and 16 indices of 2 bits.
    @Test
    void turns512BitsInto160() {
        float[] weights = {
            2.09f, -0.98f, 1.48f, 0.09f, 0.05f, -0.14f, -1.08f, 2.12f, -0.91f, 1.92f, 0f, -1.03f, 1.87f, 0f, 1.53f,
            1.49f
        };
        Matrix matrix = new Matrix(1, 16, weights);

        TensorForm.Codebook book = (TensorForm.Codebook) Quantization.of("codebook4")
                .quantize(QuantizeJob.uncalibrated("example", matrix, pool))
                .form();

        assertThat(BookTable.sizeBits(16, 4, 32)).isEqualTo(160);
        assertThat(16 * Float.SIZE).isEqualTo(512);
        assertThat(8 * book.sizeBytes())
                .isEqualTo(BookTable.sizeBits(16, 4, Short.SIZE))
                .isEqualTo(96);
        assertThat(book.centroids()[0]).isCloseTo(-1f, within(1e-3f));
        assertThat(book.centroids()[1]).isCloseTo(0f, within(1e-3f));
        assertThat(book.centroids()[2]).isCloseTo(1.5f, within(1e-3f));
        assertThat(book.centroids()[3]).isCloseTo(2f, within(1e-3f));
        assertThat(book.indices()).containsExactly(3, 0, 2, 1, 1, 1, 0, 3, 0, 3, 1, 0, 3, 1, 2, 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void findsTheBestClustersOfFewNumbers(int clusters) {
        var random = new Random(clusters);
        for (int round = 0; round < 60; round++) {
            int n = 1 + random.nextInt(10);
            float[] numbers = new float[n];
            float[] importance = new float[n];
            for (int i = 0; i < n; i++) {
                numbers[i] = random.nextInt(4) == 0 ? 1 : (float) random.nextGaussian();
                importance[i] = 0.1f + random.nextFloat();
            }
            float[] centroids = new float[clusters];

            new LineClusters(clusters).find(numbers, importance, centroids, 0);

            assertThat(centroids).isSorted();
            assertThat(error(numbers, importance, centroids))
                    .isCloseTo(leastError(numbers, importance, clusters), within(1e-5));
        }
    }

    private static double error(float[] numbers, float[] importance, float[] centroids) {
        double error = 0;
        for (int i = 0; i < numbers.length; i++) {
            double least = Double.POSITIVE_INFINITY;
            for (float centroid : centroids) {
                least = Math.min(least, Math.pow(numbers[i] - centroid, 2));
            }
            error += importance[i] * least;
        }
        return error;
    }

    /// Over every way to put every number into any cluster.
    private static double leastError(float[] numbers, float[] importance, int clusters) {
        double least = Double.POSITIVE_INFINITY;
        int[] assigned = new int[numbers.length];
        for (int code = 0; code < Math.pow(clusters, numbers.length); code++) {
            int rest = code;
            for (int i = 0; i < assigned.length; i++) {
                assigned[i] = rest % clusters;
                rest /= clusters;
            }
            least = Math.min(least, error(numbers, importance, assigned, clusters));
        }
        return least;
    }

    private static double error(float[] numbers, float[] importance, int[] assigned, int clusters) {
        double[] h = new double[clusters];
        double[] hx = new double[clusters];
        double[] hxx = new double[clusters];
        for (int i = 0; i < numbers.length; i++) {
            h[assigned[i]] += importance[i];
            hx[assigned[i]] += importance[i] * numbers[i];
            hxx[assigned[i]] += importance[i] * numbers[i] * numbers[i];
        }
        double error = 0;
        for (int c = 0; c < clusters; c++) {
            error += h[c] > 0 ? hxx[c] - hx[c] * hx[c] / h[c] : 0;
        }
        return error;
    }

    /// The optimum for 16 levels of a normal distribution has a relative squared error of 0.009497 (J. Max, 1960);
    /// a sample's own is a little below it.
    @Test
    void comesCloseToTheBestOfManyNumbers() {
        float[] numbers = Problem.normal(1, 20_000, 3).values();
        float[] ones = new float[numbers.length];
        Arrays.fill(ones, 1);
        float[] centroids = new float[16];

        new LineClusters(16).find(numbers, ones, centroids, 0);

        double energy = error(numbers, ones, new float[] {0});
        assertThat(error(numbers, ones, centroids) / energy).isBetween(0.0090, 0.0096);
    }

    @Test
    void standsNumbersThatDoNotMatter() {
        float[] centroids = new float[4];

        new LineClusters(4).find(new float[] {1, 2, 3, 4, 5}, new float[5], centroids, 0);

        assertThat(error(new float[] {1, 2, 3, 4, 5}, new float[] {1, 1, 1, 1, 1}, centroids))
                .isEqualTo(0.5);
    }

    @Test
    void sharesBooksAmongRowsWhereTheyWouldWeigh() {
        assertThat(BookTable.rowsPerBook(2048, 4)).isEqualTo(1);
        assertThat(BookTable.rowsPerBook(2048, 8)).isEqualTo(4);
        assertThat(BookTable.rowsPerBook(64, 4)).isEqualTo(16);
    }

    /// At the refined centroids no direction lowers the error: the gradient `2 P^T C (P c - w)`, which is also the
    /// sum of the gradients of each cluster's weights, is zero.
    @Test
    void refinesCentroidsToWhereTheSummedGradientsVanish() {
        Problem problem = Problem.correlated(1, 96, 4);
        Covariance covariance = problem.covariance();
        byte[] codes = new byte[96];
        var random = new Random(5);
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) random.nextInt(4);
        }
        NormalEquations equations = new NormalEquations(4);
        equations.add(problem.matrix(), 0, codes, covariance);

        double[] centroids = equations.solve(new double[4], 0);

        double[] gradient = new double[4];
        double scale = 0;
        for (int i = 0; i < 96; i++) {
            double ofWeight = 0;
            for (int j = 0; j < 96; j++) {
                ofWeight += covariance.at(i, j)
                        * (centroids[codes[j]] - problem.matrix().at(0, j));
            }
            gradient[codes[i]] += ofWeight;
            scale += Math.abs(ofWeight);
        }
        assertThat(gradient).containsExactly(new double[4], within(1e-4 * scale));
    }

    @Test
    void refinementWithADiagonalIsTheWeightedMean() {
        Matrix matrix = new Matrix(1, 4, new float[] {1, 2, 5, 9});
        float[] diagonal = new float[16];
        diagonal[0] = 3;
        diagonal[5] = 1;
        diagonal[10] = 2;
        diagonal[15] = 2;
        NormalEquations equations = new NormalEquations(3);
        equations.add(matrix, 0, new byte[] {0, 0, 2, 2}, new Covariance(4, diagonal));

        double[] centroids = equations.solve(new double[] {0, 4, 0}, 1e-9);

        assertThat(centroids).containsExactly(new double[] {1.25, 4, 7}, within(1e-6));
    }
}
