package dev.trimtab.compress.lowrank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.lowrank.LowRankResult.Factored;
import dev.trimtab.compress.lowrank.LowRankResult.Kept;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.Samples;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LowRankStageTest {
    private static final long ANY_SIZE = Long.MAX_VALUE;

    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = Encoding.class,
            names = {"F16", "F32"})
    void recoversWhatIsOfLowRank(Encoding encoding) {
        Matrix w = Samples.ofRank(150, 220, 12, 0.8, 1);

        TensorForm.LowRank form = form(svd(new RankRule.Energy(1), encoding, ANY_SIZE), w);

        assertThat(form.rank()).isEqualTo(12);
        assertThat(form.shape()).isEqualTo(Shape.of(150, 220));
        assertThat(form.sizeBytes()).isEqualTo(encoding.sizeBytes(12 * 370));
        double tolerance = encoding == Encoding.F16 ? 1e-6 : 1e-10;
        assertThat(Samples.squares(w.minus(Matrix.of("w", form)))).isLessThan(tolerance * Samples.squares(w));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.5, 0.9, 0.95, 0.99})
    void takesTheSmallestRankWithTheEnergy(double share) {
        Matrix w = Samples.ofRank(150, 220, 100, 0.9, 1);
        double[] energies = Samples.energies(Samples.toLibrary(w));
        double needed = share * Arrays.stream(energies).sum();
        int expected = 0;
        for (double sum = 0; sum < needed; expected++) {
            sum += energies[expected];
        }

        Factored factored = (Factored) apply(svd(new RankRule.Energy(share), Encoding.F32, ANY_SIZE), w);

        assertThat(factored.form().rank()).isEqualTo(expected);
        assertThat(factored.keptEnergy()).isBetween(share, 1.0);
        double lost = Samples.squares(w.minus(Matrix.of("w", factored.form()))) / Samples.squares(w);
        assertThat(1 - lost).isCloseTo(factored.keptEnergy(), within(1e-5));
    }

    /// More directions than the first try has.
    @Test
    void goesOnUntilTheEnergyIsThere() {
        Matrix w = Samples.ofRank(400, 500, 100, 1, 1);

        assertThat(form(svd(new RankRule.Energy(1), Encoding.F32, ANY_SIZE), w).rank())
                .isEqualTo(100);
    }

    /// A flat spectrum needs nearly all ranks; a product of half of them is larger than the matrix.
    @Test
    void keepsWhatIsNotSmallerAndSaysWhy() {
        Matrix w = Samples.normal(150, 220, 1);

        assertThat(reason(svd(RankRule.Energy.DEFAULT, Encoding.F32, ANY_SIZE), w))
                .matches("rank \\d+ has 0\\.\\d{3} of the energy, 0\\.950 expected of at most rank 89");
        assertThat(reason(svd(new RankRule.Fixed(90), Encoding.F32, ANY_SIZE), w))
                .isEqualTo("rank 90: at most 89 is smaller than [150, 220]");
        assertThat(form(svd(new RankRule.Fixed(89), Encoding.F32, ANY_SIZE), w).rank())
                .isEqualTo(89);
    }

    /// 8-bit codes take 8.5 bits a weight: factors of 16 bits must have half the weights.
    @Test
    void staysBelowTheBytesItReplaces() {
        Matrix w = Samples.normal(160, 320, 1);
        long sizeBytes = Encoding.Q8_0.sizeBytes(160 * 320);

        int largest = (int) ((sizeBytes - 1) / (2 * 480));
        assertThat(form(svd(new RankRule.Fixed(largest), Encoding.F16, sizeBytes), w)
                        .sizeBytes())
                .isLessThan(sizeBytes);
        assertThat(reason(svd(new RankRule.Fixed(largest + 1), Encoding.F16, sizeBytes), w))
                .contains("at most " + largest);
        assertThat(reason(svd(new RankRule.Fixed(1), Encoding.F16, 960), w)).contains("no product is smaller");
    }

    @Test
    void keepsVectors() {
        assertThat(reason(svd(new RankRule.Fixed(1), Encoding.F16, ANY_SIZE), Samples.normal(1, 9, 1)))
                .isEqualTo("no product is smaller than [1, 9]");
    }

    @Test
    void makesZerosOfZeros() {
        TensorForm.LowRank form = form(svd(RankRule.Energy.DEFAULT, Encoding.F16, ANY_SIZE), new Matrix(70, 90));

        assertThat(form.rank()).isEqualTo(1);
        assertThat(Matrix.of("zeros", form).values()).containsOnly(0);
    }

    @Test
    void keepsWeightsThatNoInputMet() {
        var stage = new LowRankStage(LowRankMethod.ASVD, RankRule.Energy.DEFAULT, Encoding.F16, ANY_SIZE);

        LowRankResult result = stage.apply("w", Samples.normal(70, 90, 1), Samples.inputs(new Matrix(5, 90)), 1, pool);

        assertThat(((Kept) result).reason()).contains("no input met");
    }

    @Test
    void storesNumbersBeyondHalfPrecisionAsFloats() {
        Matrix w = Samples.ofRank(40, 50, 2, 1, 1);
        for (int i = 0; i < w.values().length; i++) {
            w.values()[i] *= 1e6f;
        }

        TensorForm.LowRank form = form(svd(new RankRule.Fixed(2), Encoding.F16, ANY_SIZE), w);

        assertThat(Samples.squares(w.minus(Matrix.of("w", form)))).isLessThan(1e-6 * Samples.squares(w));
    }

    @Test
    void refusesWhatIsOutOfRange() {
        assertThatThrownBy(() -> new RankRule.Fixed(0))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("rank 1..1024 expected, found 0");
        for (double share : new double[] {0, 1.01, Double.NaN}) {
            assertThatThrownBy(() -> new RankRule.Energy(share))
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining("found " + share);
        }
        assertThatThrownBy(() -> svd(RankRule.Energy.DEFAULT, Encoding.Q4_0, ANY_SIZE))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("F16 or F32 expected, found Q4_0");
    }

    private static LowRankStage svd(RankRule rule, Encoding encoding, long sizeBytesMax) {
        return new LowRankStage(LowRankMethod.SVD, rule, encoding, sizeBytesMax);
    }

    private LowRankResult apply(LowRankStage stage, Matrix w) {
        return stage.apply("w", w, Samples.none(), 1, pool);
    }

    private TensorForm.LowRank form(LowRankStage stage, Matrix w) {
        return ((Factored) apply(stage, w)).form();
    }

    private String reason(LowRankStage stage, Matrix w) {
        return ((Kept) apply(stage, w)).reason();
    }
}
