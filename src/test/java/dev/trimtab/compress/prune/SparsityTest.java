package dev.trimtab.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Single weights set to zero.
class SparsityTest {
    private static final ComputePool POOL = new ComputePool(2);
    private static final int ROWS = 21;
    private static final int COLUMNS = 150;

    private final Matrix matrix = PruneSample.matrix(ROWS, COLUMNS, 1);
    private final PruneSample sample = new PruneSample(300, COLUMNS, 2);
    private final Inputs inputs = sample.moments();

    @AfterAll
    static void close() {
        POOL.close();
    }

    @ParameterizedTest
    @EnumSource
    void setsExactlyTheShareToZero(SparsityMethod method) {
        for (double share : new double[] {0, 0.1, 0.5, 0.77}) {
            Matrix pruned = method.prune(matrix, inputs, new WeightPattern.Share(share), 3, POOL);

            long expected = method == SparsityMethod.WANDA || method == SparsityMethod.MAGNITUDE_ROW
                    ? ROWS * Math.round(share * COLUMNS)
                    : Math.round(share * ROWS * COLUMNS);
            assertThat(zeros(pruned, 0, ROWS * COLUMNS))
                    .as(method + " " + share)
                    .isEqualTo(expected);
            assertThat(matrix.values())
                    .isEqualTo(PruneSample.matrix(ROWS, COLUMNS, 1).values());
        }
    }

    @ParameterizedTest
    @EnumSource
    void keepsAsManyOfConsecutiveWeightsAsThePatternSays(SparsityMethod method) {
        for (WeightPattern.KeptOf pattern : List.of(
                new WeightPattern.KeptOf(2, 4), new WeightPattern.KeptOf(4, 8), new WeightPattern.KeptOf(5, 7))) {
            Matrix pruned = method.prune(matrix, inputs, pattern, 3, POOL);

            for (int row = 0; row < ROWS; row++) {
                for (int at = 0; at < COLUMNS; at += pattern.of()) {
                    int count = Math.min(pattern.of(), COLUMNS - at);
                    assertThat(zeros(pruned, row * COLUMNS + at, count))
                            .isEqualTo((long) count * (pattern.of() - pattern.kept()) / pattern.of());
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"MAGNITUDE, false, false", "MAGNITUDE_ROW, true, false", "OBD, false, true", "WANDA, true, true"})
    void removesTheLowestScores(SparsityMethod method, boolean byRow, boolean weighted) {
        Matrix pruned = method.prune(matrix, inputs, new WeightPattern.Share(0.4), 3, POOL);

        int group = byRow ? COLUMNS : ROWS * COLUMNS;
        for (int from = 0; from < ROWS * COLUMNS; from += group) {
            double highestGone = 0;
            double lowestKept = Double.POSITIVE_INFINITY;
            for (int i = from; i < from + group; i++) {
                double score = Math.abs(matrix.values()[i])
                        * (weighted ? Math.sqrt(inputs.statistics().meanSquare()[i % COLUMNS]) : 1);
                if (pruned.values()[i] == 0) {
                    highestGone = Math.max(highestGone, score);
                } else {
                    assertThat(pruned.values()[i]).isEqualTo(matrix.values()[i]);
                    lowestKept = Math.min(lowestKept, score);
                }
            }
            assertThat(highestGone).isLessThanOrEqualTo(lowestKept * (1 + 1e-6));
        }
    }

    @Test
    void isTheSameForTheSameSeed() {
        WeightPattern half = new WeightPattern.Share(0.5);

        float[] first =
                SparsityMethod.RANDOM.prune(matrix, inputs, half, 3, POOL).values();

        assertThat(SparsityMethod.RANDOM.prune(matrix, inputs, half, 3, POOL).values())
                .isEqualTo(first);
        assertThat(SparsityMethod.RANDOM.prune(matrix, inputs, half, 4, POOL).values())
                .isNotEqualTo(first);
    }

    @Test
    void removesExactlyTheShareOfEqualScores() {
        Matrix equal = new Matrix(3, 10);
        Arrays.fill(equal.values(), 2);

        Matrix pruned = SparsityMethod.MAGNITUDE.prune(equal, inputs, new WeightPattern.Share(0.3), 0, POOL);

        assertThat(zeros(pruned, 0, 30)).isEqualTo(9);
    }

    @ParameterizedTest
    @CsvSource({"0.3", "0.5", "0.7"})
    void sparseGptErrsLessThanMasksOnCorrelatedInputs(double share) {
        WeightPattern pattern = new WeightPattern.Share(share);

        double sparseGpt = sample.error(matrix, SparsityMethod.SPARSEGPT.prune(matrix, inputs, pattern, 0, POOL));
        double wanda = sample.error(matrix, SparsityMethod.WANDA.prune(matrix, inputs, pattern, 0, POOL));
        double magnitude = sample.error(matrix, SparsityMethod.MAGNITUDE.prune(matrix, inputs, pattern, 0, POOL));
        double random = sample.error(matrix, SparsityMethod.RANDOM.prune(matrix, inputs, pattern, 0, POOL));

        assertThat(sparseGpt).isLessThan(0.5 * magnitude);
        assertThat(sparseGpt).isLessThan(wanda);
        assertThat(magnitude).isLessThan(random);
    }

    @Test
    void sparseGptErrsLessThanMagnitudeInPatterns() {
        WeightPattern pattern = new WeightPattern.KeptOf(2, 4);

        double sparseGpt = sample.error(matrix, SparsityMethod.SPARSEGPT.prune(matrix, inputs, pattern, 0, POOL));
        double magnitude = sample.error(matrix, SparsityMethod.MAGNITUDE.prune(matrix, inputs, pattern, 0, POOL));

        assertThat(sparseGpt).isLessThan(0.5 * magnitude);
    }

    /// The algorithm as the paper has it, with the inverse itself: after each column that of the rest shrinks.
    @Test
    void sparseGptGivesWhatTheInverseHessianGives() {
        Matrix small = PruneSample.matrix(6, 40, 4);
        PruneSample smallSample = new PruneSample(200, 40, 5);
        Inputs smallInputs = smallSample.moments();

        Matrix pruned = SparsityMethod.SPARSEGPT.prune(small, smallInputs, new WeightPattern.Share(0.5), 0, POOL);

        Matrix expected = byInverse(small, smallInputs.covariance(), 0.5);
        for (int i = 0; i < pruned.values().length; i++) {
            assertThat(pruned.values()[i]).isCloseTo(expected.values()[i], within(2e-3f));
        }
    }

    private static Matrix byInverse(Matrix matrix, Covariance covariance, double share) {
        int n = matrix.columns();
        double trace = 0;
        for (int i = 0; i < n; i++) {
            trace += covariance.at(i, i);
        }
        double[][] inverse = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                inverse[i][j] = covariance.at(i, j) + (i == j ? Moments.DAMPING * trace / n : 0);
            }
        }
        invert(inverse);
        // The diagonal that column j has when it is reached.
        double[][] rest = copy(inverse);
        double[] diagonal = new double[n];
        for (int j = 0; j < n; j++) {
            diagonal[j] = rest[j][j];
            eliminate(rest, j);
        }
        double[] losses = new double[matrix.values().length];
        for (int i = 0; i < losses.length; i++) {
            losses[i] = Math.pow(matrix.values()[i], 2) / diagonal[i % n];
        }
        double[] sorted = losses.clone();
        Arrays.sort(sorted);
        double threshold = sorted[(int) Math.round(share * losses.length) - 1];
        double[] w = new double[losses.length];
        Arrays.setAll(w, i -> matrix.values()[i]);
        rest = copy(inverse);
        for (int j = 0; j < n; j++) {
            for (int row = 0; row < matrix.rows(); row++) {
                if (losses[row * n + j] <= threshold) {
                    double error = w[row * n + j] / rest[j][j];
                    for (int k = j; k < n; k++) {
                        w[row * n + k] -= error * rest[j][k];
                    }
                    w[row * n + j] = 0;
                }
            }
            eliminate(rest, j);
        }
        Matrix result = new Matrix(matrix.rows(), n);
        for (int i = 0; i < w.length; i++) {
            result.values()[i] = (float) w[i];
        }
        return result;
    }

    /// `H^-1 -= H^-1_:,j H^-1_j,: / H^-1_jj`: the inverse without column j.
    private static void eliminate(double[][] inverse, int j) {
        double[] line = inverse[j].clone();
        for (int i = 0; i < inverse.length; i++) {
            double factor = inverse[i][j] / line[j];
            for (int k = 0; k < inverse.length; k++) {
                inverse[i][k] -= factor * line[k];
            }
        }
    }

    /// Gauss and Jordan, in place.
    private static void invert(double[][] a) {
        int n = a.length;
        for (int p = 0; p < n; p++) {
            double pivot = a[p][p];
            a[p][p] = 1;
            for (int j = 0; j < n; j++) {
                a[p][j] /= pivot;
            }
            for (int i = 0; i < n; i++) {
                if (i != p) {
                    double factor = a[i][p];
                    a[i][p] = 0;
                    for (int j = 0; j < n; j++) {
                        a[i][j] -= factor * a[p][j];
                    }
                }
            }
        }
    }

    private static double[][] copy(double[][] a) {
        return Arrays.stream(a).map(double[]::clone).toArray(double[][]::new);
    }

    @Test
    void refusesPatternsAndScoresThatCannotBe() {
        assertThatThrownBy(() -> new WeightPattern.Share(1)).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> new WeightPattern.Share(Double.NaN)).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> new WeightPattern.KeptOf(0, 4)).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> new WeightPattern.KeptOf(5, 4)).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> new WeightPattern.KeptOf(4, 1000)).isInstanceOf(BadConfiguration.class);
        float[] square = new float[COLUMNS];
        square[7] = Float.POSITIVE_INFINITY;
        Inputs broken = new Inputs() {
            @Override
            public InputStatistics statistics() {
                return new InputStatistics(1, square, square, square);
            }

            @Override
            public Covariance covariance() {
                return new Covariance(COLUMNS, new float[COLUMNS * COLUMNS]);
            }
        };
        assertThatThrownBy(() -> SparsityMethod.WANDA.prune(matrix, broken, new WeightPattern.Share(0.5), 0, POOL))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("weight [0, 7]");
        assertThat(zeros(SparsityMethod.SPARSEGPT.prune(matrix, broken, new WeightPattern.Share(0.5), 0, POOL), 0, 3))
                .isBetween(0L, 3L);
    }

    @Test
    void isFoundByTheNameRecipesUse() {
        for (SparsityMethod method : SparsityMethod.values()) {
            assertThat(SparsityMethod.of(method.label())).contains(method);
        }
        assertThat(SparsityMethod.of("lottery")).isEmpty();
    }

    private static long zeros(Matrix matrix, int from, int count) {
        long zeros = 0;
        for (int i = from; i < from + count; i++) {
            zeros += matrix.values()[i] == 0 ? 1 : 0;
        }
        return zeros;
    }
}
