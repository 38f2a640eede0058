package dev.trimtab.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class DivergenceTest {
    @Test
    void isZeroBetweenEqualDistributionsWhateverTheirOffset() {
        Divergence.Sum sum = new Divergence.Sum();

        sum.add(new float[] {1, 2, 3}, 0, new float[] {0, 501, 502, 503}, 1, 3);

        assertThat(sum.result().meanNats()).isCloseTo(0, within(1e-12));
        assertThat(sum.result().sameTop()).isEqualTo(1);
    }

    /// By hand: p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): KL = 1/2 log 2 - 1/4 log 2 = log(2) / 4.
    @Test
    void isTheSumOfItsDefinition() {
        float log2 = (float) Math.log(2);
        Divergence.Sum sum = new Divergence.Sum();

        sum.add(new float[] {log2, 0, 0}, 0, new float[] {0, log2, 0}, 0, 3);
        sum.add(new float[] {log2, 0, 0}, 0, new float[] {log2, 0, 0}, 0, 3);

        Divergence found = sum.result();
        assertThat(found.positions()).isEqualTo(2);
        assertThat(found.meanNats()).isCloseTo(Math.log(2) / 8, within(1e-7));
        assertThat(found.standardErrorNats()).isCloseTo(Math.log(2) / 8 / Math.sqrt(2), within(1e-7));
        assertThat(found.sameTop()).isEqualTo(0.5);
        assertThat(found.standardErrorSameTop()).isCloseTo(0.5 / Math.sqrt(2), within(1e-12));
    }

    @Test
    void countsNothingForTokensTheReferenceForbids() {
        float never = Float.NEGATIVE_INFINITY;
        Divergence.Sum sum = new Divergence.Sum();

        sum.add(new float[] {0, never, 0}, 0, new float[] {0, never, 0}, 0, 3);

        assertThat(sum.result().meanNats()).isZero();
    }
}
