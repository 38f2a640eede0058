package dev.trimtab.quality.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CovarianceSumTest {
    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    /// Two batches, so that sums go on, and more tokens than wait for each other; what lies behind the last vector is
    /// no number.
    @ParameterizedTest
    @CsvSource({"1, 3", "5, 4", "33, 7", "100, 64", "172, 66", "40, 300"})
    void areTheMomentsOfAllVectors(int columns, int tokens) {
        CovarianceSum covariance = new CovarianceSum("x", columns, pool);
        ColumnSums sums = new ColumnSums(columns);
        double[][] vectors = new double[2 * tokens][columns];
        Random random = new Random(columns);
        for (int batch = 0; batch < 2; batch++) {
            Activations in = batch(random, vectors, batch * tokens, tokens);
            covariance.add(in);
            sums.add(in, pool);
        }

        Covariance found = covariance.mean();
        InputStatistics means = sums.means("x");

        assertThat(means.tokens()).isEqualTo(2L * tokens);
        for (int i = 0; i < columns; i++) {
            for (int j = 0; j < columns; j++) {
                double expected = 0;
                for (double[] vector : vectors) {
                    expected += vector[i] * vector[j] / vectors.length;
                }
                assertThat((double) found.at(i, j)).isCloseTo(expected, within(2e-6));
            }
            assertThat((double) means.meanSquare()[i]).isCloseTo(found.at(i, i), within(2e-6));
            assertThat((double) means.mean()[i]).isCloseTo(mean(vectors, i, 1), within(1e-6));
            assertThat((double) means.meanMagnitude()[i]).isCloseTo(mean(vectors, i, 0), within(1e-6));
        }
    }

    private static Activations batch(Random random, double[][] vectors, int first, int tokens) {
        int columns = vectors[0].length;
        Activations in = new Activations(tokens, columns);
        in.reset(tokens);
        for (int t = 0; t < tokens; t++) {
            for (int j = 0; j < columns; j++) {
                float value = (float) random.nextGaussian();
                vectors[first + t][j] = value;
                in.values()[t * in.stride() + j] = value;
            }
        }
        in.values()[tokens * in.stride()] = Float.NaN;
        return in;
    }

    /// Of the values, or of their magnitudes where `signed` is 0.
    private static double mean(double[][] vectors, int column, int signed) {
        double sum = 0;
        for (double[] vector : vectors) {
            sum += signed == 1 ? vector[column] : Math.abs(vector[column]);
        }
        return sum / vectors.length;
    }

    @Test
    void refusesWhatNoMachineHolds() {
        assertThatThrownBy(() -> new CovarianceSum("blk.0.ffn_down.weight", CovarianceSum.COLUMNS_MAX + 1, pool))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("blk.0.ffn_down.weight")
                .hasMessageContaining("16385");
    }

    @Test
    void saysWhichInputIsNoNumber() {
        ColumnSums sums = new ColumnSums(4);
        Activations in = new Activations(1, 4);
        in.reset(1);
        in.values()[2] = Float.NaN;
        sums.add(in, pool);

        assertThatThrownBy(() -> sums.means("blk.1.attn_q.weight"))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("blk.1.attn_q.weight")
                .hasMessageContaining("column 2");
    }

    /// By hand: of (3, 0, 0, 0.1) the root mean square is about 1.5, of (1, 1, 1, 1) it is 1.
    @Test
    void countsWhatIsNearZeroBesideTheVector() {
        NearZeroCounts counts = new NearZeroCounts(4, 0.5f);
        Activations in = new Activations(2, 4);
        in.reset(2);
        float[] values = {3, 0, 0, 0.1f, 1, -1, 0.4f, 1};
        System.arraycopy(values, 0, in.values(), 0, 4);
        System.arraycopy(values, 4, in.values(), in.stride(), 4);

        counts.add(in);

        assertThat(counts.shares()).containsExactly(0, 0.5f, 1, 0.5f);
    }
}
