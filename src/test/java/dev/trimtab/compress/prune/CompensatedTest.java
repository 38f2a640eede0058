package dev.trimtab.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompensatedTest {
    private static final ComputePool POOL = new ComputePool(2);

    @AfterAll
    static void close() {
        POOL.close();
    }

    @ParameterizedTest
    @CsvSource({"24, 12, 1", "40, 39, 2", "70, 8, 3", "160, 100, 4"})
    void errsLessTheMoreItKnows(int columns, int keep, long seed) {
        Matrix last = PruneSample.matrix(9, columns, seed);
        PruneSample sample = new PruneSample(400, columns, seed);
        Inputs inputs = sample.moments();
        int[] kept = some(columns, keep, seed);

        double dropped = error(sample, last, kept, Compensated.dropped(last, kept));
        double bias = error(sample, last, kept, Compensated.bias(last, kept, inputs.statistics()));
        double linear = error(sample, last, kept, Compensated.linear(last, kept, inputs.covariance(), POOL));
        double squares = error(sample, last, kept, Compensated.leastSquares(last, kept, inputs, POOL));

        assertThat(bias).isLessThan(dropped);
        assertThat(squares).isLessThan(bias);
        assertThat(linear).isLessThan(dropped);
        assertThat(squares).isLessThan(linear * 1.02);
    }

    private static double error(PruneSample sample, Matrix last, int[] kept, Compensated compensated) {
        assertThat(compensated.matrix().columns()).isEqualTo(kept.length);
        return sample.error(last, compensated.matrix(), kept, compensated.bias());
    }

    private static int[] some(int columns, int keep, long seed) {
        Random random = new Random(seed);
        return random.ints(0, columns).distinct().limit(keep).sorted().toArray();
    }

    @Test
    void givesBackAllOfWhatCopiesSay() {
        // Column 3 is a copy of column 0, and column 2 is constant.
        PruneSample sample = new PruneSample(300, 4, 5);
        for (float[] x : sample.inputs()) {
            x[3] = x[0];
            x[2] = 2;
        }
        Matrix last = PruneSample.matrix(5, 4, 6);
        int[] kept = {0, 1};

        Compensated squares = Compensated.leastSquares(last, kept, sample.moments(), POOL);

        double before = error(sample, last, kept, Compensated.dropped(last, kept));
        // All but what the damping holds back.
        assertThat(error(sample, last, kept, squares)).isLessThan(0.01 * before);
    }

    @Test
    void changesNothingWhereWhatGoesIsZero() {
        Matrix last = PruneSample.matrix(4, 6, 7);
        int[] kept = {1, 2, 5};
        for (int j : new int[] {0, 3, 4}) {
            for (int row = 0; row < 4; row++) {
                last.values()[row * 6 + j] = 0;
            }
        }
        Inputs inputs = new PruneSample(50, 6, 8).moments();

        for (Compensated compensated : new Compensated[] {
            Compensated.dropped(last, kept),
            Compensated.bias(last, kept, inputs.statistics()),
            Compensated.leastSquares(last, kept, inputs, POOL),
            Compensated.linear(last, kept, inputs.covariance(), POOL)
        }) {
            assertThat(compensated.matrix().values())
                    .isEqualTo(last.keepColumns(kept).values());
            assertThat(compensated.bias()).containsOnly(0);
        }
    }

    @Test
    void standsInputsThatNeverCame() {
        Matrix last = PruneSample.matrix(3, 4, 10);
        Covariance nothing = new Covariance(4, new float[16]);

        Compensated linear = Compensated.linear(last, new int[] {0, 2}, nothing, POOL);

        assertThat(linear.matrix().values())
                .isEqualTo(last.keepColumns(new int[] {0, 2}).values());
    }

    @Test
    void refusesMomentsThatAreNotFinite() {
        Matrix last = PruneSample.matrix(3, 4, 10);
        float[] values = new float[16];
        Arrays.fill(values, Float.NaN);

        assertThatThrownBy(() -> Compensated.linear(last, new int[] {0, 2}, new Covariance(4, values), POOL))
                .isInstanceOf(BadCheckpoint.class);
    }

    @Test
    void namesTensorAndMethodOfACollapsedLayer() {
        Matrix dead = new Matrix(2, 3);
        Matrix broken = PruneSample.matrix(2, 3, 1);
        broken.values()[4] = Float.NaN;

        assertThatThrownBy(() -> CollapseCheck.check("blk.0.ffn_up.weight", "magnitude", dead))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("blk.0.ffn_up.weight: magnitude left none of [2, 3]");
        assertThatThrownBy(() -> CollapseCheck.check("t", "sparsegpt", broken))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("weight [1, 1] NaN");
        CollapseCheck.check("t", "m", PruneSample.matrix(2, 3, 1));
    }
}
