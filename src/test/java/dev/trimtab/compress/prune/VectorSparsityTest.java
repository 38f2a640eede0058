package dev.trimtab.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.TensorForm;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Vectors of 32 weights removed together.
class VectorSparsityTest {
    private static final ComputePool POOL = new ComputePool(2);
    private static final int ROWS = 70;
    private static final int COLUMNS = 90;

    private final Matrix matrix = PruneSample.matrix(ROWS, COLUMNS, 1);
    private final PruneSample sample = new PruneSample(300, COLUMNS, 2);
    private final Inputs inputs = sample.moments();

    @AfterAll
    static void close() {
        POOL.close();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.05, 0.3, 0.5, 0.9, 1})
    void keepsTheVectorsOfTheHighestScores(double density) {
        float[] square = inputs.statistics().meanSquare();

        VectorSparsity sparsity = VectorSparsity.bySaliency(matrix, square, density);

        int lines = sparsity.kept().stream().mapToInt(list -> list.length).sum();
        assertThat(lines).isEqualTo((int) Math.round(density * 3 * COLUMNS));
        assertThat(sparsity.density(COLUMNS)).isCloseTo(density, within(0.01));
        double lowestKept = Double.POSITIVE_INFINITY;
        double highestGone = 0;
        for (int panel = 0; panel < 3; panel++) {
            assertThat(sparsity.kept().get(panel)).isSorted().doesNotHaveDuplicates();
            if (sparsity.kept().get(panel).length == 1) {
                continue; // the one that each panel keeps, whatever its score
            }
            for (int j = 0; j < COLUMNS; j++) {
                double score = 0;
                for (int row = 32 * panel; row < Math.min(ROWS, 32 * panel + 32); row++) {
                    score += matrix.at(row, j) * matrix.at(row, j) * square[j];
                }
                if (Arrays.binarySearch(sparsity.kept().get(panel), j) >= 0) {
                    lowestKept = Math.min(lowestKept, score);
                } else {
                    highestGone = Math.max(highestGone, score);
                }
            }
        }
        assertThat(highestGone).isLessThanOrEqualTo(lowestKept * 1.0001);
    }

    @Test
    void keepsOneVectorOfEachPanel() {
        Matrix small = PruneSample.matrix(64, 40, 3);
        for (int i = 32 * 40; i < 64 * 40; i++) {
            small.values()[i] *= 1e-3f;
        }

        VectorSparsity sparsity = VectorSparsity.byMagnitude(small, 0.2);

        assertThat(sparsity.kept().get(1)).hasSize(1);
        assertThat(sparsity.kept().get(0)).hasSize(15);
        assertThat(VectorSparsity.byMagnitude(new Matrix(64, 40), 0.25).density(40))
                .isEqualTo(0.25);
    }

    @Test
    void makesTheFormOfWhatIsKept() {
        VectorSparsity sparsity = VectorSparsity.byMagnitude(matrix, 0.4);

        TensorForm.VectorSparse halves = sparsity.form("w", matrix, Encoding.F16);
        TensorForm.VectorSparse codes = sparsity.form("w", matrix, Encoding.Q8_0);

        float[] row = new float[COLUMNS];
        for (int i = 0; i < ROWS; i++) {
            for (TensorForm.VectorSparse form : new TensorForm.VectorSparse[] {halves, codes}) {
                form.row(i, row, 0);
                for (int j = 0; j < COLUMNS; j++) {
                    boolean kept = Arrays.binarySearch(sparsity.kept().get(i / 32), j) >= 0;
                    float tolerance = form.lines().encoding() == Encoding.F16 ? 2e-3f : 2e-2f;
                    assertThat(row[j]).isCloseTo(kept ? matrix.at(i, j) : 0, within(kept ? tolerance : 0));
                }
            }
        }
    }

    @Test
    void putsWhatGoesOntoWhatStays() {
        VectorSparsity sparsity =
                VectorSparsity.bySaliency(matrix, inputs.statistics().meanSquare(), 0.5);

        Matrix compensated = sparsity.compensated(matrix, inputs.covariance(), POOL);

        double before = sample.error(matrix, Matrix.of("w", sparsity.form("w", matrix, Encoding.F16)));
        double after = sample.error(matrix, Matrix.of("w", sparsity.form("w", compensated, Encoding.F16)));
        assertThat(after).isLessThan(0.5 * before);
        assertThat(sparsity.compensationCost()).isPositive();
    }

    @Test
    void refusesDensitiesEncodingsAndWeightsThatCannotBe() {
        for (double density : new double[] {0, -1, 1.1, Double.NaN}) {
            assertThatThrownBy(() -> VectorSparsity.byMagnitude(matrix, density))
                    .isInstanceOf(BadConfiguration.class);
        }
        VectorSparsity sparsity = VectorSparsity.byMagnitude(matrix, 1);
        assertThatThrownBy(() -> sparsity.form("w", matrix, Encoding.Q4_0))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("Q4_0");
        Matrix large = matrix.copy();
        large.values()[5] = 70_000;
        assertThatThrownBy(() -> sparsity.form("w", large, Encoding.F16))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("70000");
        large.values()[5] = Float.NaN;
        assertThatThrownBy(() -> VectorSparsity.byMagnitude(large, 0.5))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("column 5 in panel 0");
    }
}
