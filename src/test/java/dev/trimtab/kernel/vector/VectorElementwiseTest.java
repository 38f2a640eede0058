package dev.trimtab.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.kernel.ActivationCodes;
import dev.trimtab.kernel.Activations;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Loops that no operator shows by itself; the vector width is the process's.
class VectorElementwiseTest {
    @Test
    void encodesBlocksLikeTheScalarTwin() {
        float[] values = new float[20 * Activations.BLOCK];
        var random = new Random(3);
        for (int i = Activations.BLOCK; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() * (float) Math.pow(10, i / 64 - 4);
        }
        values[40] = 1e-36f;
        var expected = new ActivationCodes(values.length);
        var actual = new ActivationCodes(values.length);

        ActivationCodes.encode(values, 0, 20, expected);
        VectorElementwise.encode(values, 0, 20, actual);

        assertThat(actual.codes()).isEqualTo(expected.codes());
        assertThat(actual.nibbleFactors()).isEqualTo(expected.nibbleFactors());
        assertThat(actual.scales()).isEqualTo(expected.scales());
        assertThat(actual.sums()).isEqualTo(expected.sums());
    }

    @ParameterizedTest
    @CsvSource({"-1000, 0", "-87.2, 0", "-1, 2e-7", "0, 0", "0.5, 2e-7", "88, 3e-7"})
    void exponentialIsWithinTwoUnits(float x, float tolerance) {
        float exp = exp(x);

        assertThat((double) exp).isCloseTo(Math.exp(x), within(Math.max(tolerance * Math.exp(x), 1.5e-38)));
    }

    @Test
    void exponentialKeepsNaNAndOverflows() {
        assertThat(exp(Float.NaN)).isNaN();
        assertThat(exp(1e9f)).isInfinite();
        assertThat(exp(Float.NEGATIVE_INFINITY)).isBetween(0f, 1.2e-38f);
    }

    private static float exp(float x) {
        float[] in = new float[Lanes.FLOAT_LANES];
        Arrays.fill(in, x / 2 - 1);
        VectorElementwise.exp(in, 0, 2, 2, in, 0, in.length);
        return in[0];
    }
}
