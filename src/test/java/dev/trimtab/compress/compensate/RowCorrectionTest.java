package dev.trimtab.compress.compensate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.Samples;
import dev.trimtab.error.BadConfiguration;
import org.junit.jupiter.api.Test;

class RowCorrectionTest {
    private final Matrix w = Samples.normal(20, 30, 1);
    private final Matrix x = independent();

    @Test
    void restoresRowsThatWereOnlyScaled() {
        Matrix halved = w.copy();
        for (int i = 0; i < halved.values().length; i++) {
            halved.values()[i] /= 2 + i / 30;
        }

        RowCorrection correction = RowCorrection.of(w, halved, Samples.inputs(x).statistics());

        assertThat(Samples.squares(w.minus(correction.scaled(halved)))).isLessThan(1e-9);
        for (float offset : correction.bias()) {
            assertThat(offset).isCloseTo(0, within(1e-4f));
        }
    }

    /// Half of the columns gone; their mean comes back as an offset.
    @Test
    void lowersTheErrorOfOutputs() {
        Matrix pruned = w.copy();
        for (int i = 0; i < pruned.values().length; i += 2) {
            pruned.values()[i] = 0;
        }

        RowCorrection correction = RowCorrection.of(w, pruned, Samples.inputs(x).statistics());

        double before = error(pruned, new float[20]);
        double offset = error(
                pruned,
                RowCorrection.of(w, pruned, Samples.inputs(x).statistics()).bias());
        double after = error(correction.scaled(pruned), correction.bias());
        assertThat(after).isLessThan(0.8 * before);
        assertThat(after).isLessThanOrEqualTo(offset * 1.01);
    }

    @Test
    void givesTheMeanOfRowsThatAreGone() {
        RowCorrection correction =
                RowCorrection.of(w, new Matrix(20, 30), Samples.inputs(x).statistics());

        assertThat(correction.factors()).containsOnly(1);
        float expected = 0;
        for (int i = 0; i < 30; i++) {
            expected += w.at(3, i) * Samples.inputs(x).statistics().mean()[i];
        }
        assertThat(correction.bias()[3]).isCloseTo(expected, within(1e-4f));
    }

    @Test
    void refusesStatisticsOfAnotherMatrix() {
        assertThatThrownBy(() -> RowCorrection.of(
                        w, w, Samples.inputs(Samples.normal(5, 31, 1)).statistics()))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("30 input columns expected, found 31");
    }

    /// `E |W x - Q x - beta|^2`
    private double error(Matrix compressed, float[] bias) {
        Matrix difference = w.minus(compressed);
        double sum = 0;
        for (int token = 0; token < x.rows(); token++) {
            for (int row = 0; row < 20; row++) {
                double output = -bias[row];
                for (int i = 0; i < 30; i++) {
                    output += (double) difference.at(row, i) * x.at(token, i);
                }
                sum += output * output;
            }
        }
        return sum / x.rows();
    }

    /// Columns apart from each other, with means from 0 to 3.
    private static Matrix independent() {
        Matrix x = Samples.normal(4000, 30, 2);
        for (int i = 0; i < x.values().length; i++) {
            x.values()[i] += 0.1f * (i % 30);
        }
        return x;
    }
}
