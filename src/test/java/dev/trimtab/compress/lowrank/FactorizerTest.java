package dev.trimtab.compress.lowrank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.Samples;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class FactorizerTest {
    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    /// Eckart and Young: no product of rank r is nearer than by the singular values it lacks. A library
    /// computes those in doubles.
    @ParameterizedTest
    @CsvSource({"40, 60, 7", "60, 40, 7", "90, 300, 20", "300, 90, 20", "50, 50, 50", "1, 9, 1", "9, 1, 1"})
    void isAsNearAsAnyProductOfItsRank(int rows, int columns, int rank) {
        Matrix w = Samples.ofRank(rows, columns, Math.min(rows, columns), 0.93, 1);
        double[] energies = Samples.energies(Samples.toLibrary(w));
        double total = Arrays.stream(energies).sum();

        Factors factors = factorizer(w, Weighting.none()).ofRank(rank);

        double lost = Samples.squares(w.minus(factors.product(pool)));
        double least = Arrays.stream(energies).skip(rank).sum();
        assertThat(lost).isCloseTo(least, within(1e-3 * least + 1e-9 * total));
        for (int k = 0; k < rank; k++) {
            assertThat(factors.energies()[k]).isCloseTo(energies[k], within(2e-3 * energies[k] + 1e-6 * total));
        }
    }

    /// A flat spectrum is the hardest case of a random subspace.
    @Test
    void losesLittleOnFlatSpectra() {
        Matrix w = Samples.normal(200, 500, 1);
        double least =
                Arrays.stream(Samples.energies(Samples.toLibrary(w))).skip(32).sum();

        Factors factors = factorizer(w, Weighting.none()).ofRank(32);

        assertThat(Samples.squares(w.minus(factors.product(pool)))).isBetween(least, 1.02 * least);
    }

    @Test
    void recoversWhatIsOfLowRank() {
        Matrix w = Samples.ofRank(150, 220, 12, 0.8, 1);

        Factors factors = factorizer(w, Weighting.none()).ofRank(12);

        assertThat(Samples.squares(w.minus(factors.product(pool)))).isLessThan(1e-10 * Samples.squares(w));
    }

    /// The oracle goes the way of the paper: singular values of `W L` for the Cholesky factor of C.
    @ParameterizedTest
    @CsvSource({"40, 60, 7", "60, 40, 7", "100, 120, 33"})
    void hasTheSmallestOutputErrorUnderACovariance(int rows, int columns, int rank) {
        Matrix w = Samples.normal(rows, columns, 1);
        Matrix x = Samples.correlated(4 * columns, columns, 2);
        Covariance c = Samples.inputs(x).covariance();
        DMatrixRMaj whitened = Samples.times(w, Samples.root(c));
        double least = Arrays.stream(Samples.energies(whitened)).skip(rank).sum();

        Factors factors = factorizer(w, Weighting.covariance(c, columns)).ofRank(rank);

        double lost = Samples.outputError(w.minus(factors.product(pool)), x);
        assertThat(lost).isBetween(least * 0.99, least * 1.01);
        Factors plain = factorizer(w, Weighting.none()).ofRank(rank);
        assertThat(lost).isLessThan(Samples.outputError(w.minus(plain.product(pool)), x));
    }

    @Test
    void accountsForAllItsEnergyUnderEachWeighting() {
        Matrix w = Samples.normal(30, 50, 1);
        var inputs = Samples.inputs(Samples.correlated(400, 50, 2));

        for (LowRankMethod method : LowRankMethod.values()) {
            Factorizer factorizer = factorizer(w, method.weighting(inputs, 50));

            assertThat(factorizer.ofRank(30).energy())
                    .as(method.label())
                    .isCloseTo(factorizer.energy(), within(1e-4 * factorizer.energy()));
        }
    }

    /// Three tokens make a covariance of rank 3: on them the product of rank 3 is exact.
    @Test
    void takesSingularCovariances() {
        Matrix w = Samples.normal(80, 100, 1);
        Matrix x = Samples.normal(3, 100, 2);

        Factors factors = factorizer(w, Weighting.covariance(Samples.inputs(x).covariance(), 100))
                .ofRank(3);

        assertThat(Samples.outputError(w.minus(factors.product(pool)), x)).isLessThan(1e-8 * Samples.outputError(w, x));
    }

    @ParameterizedTest
    @EnumSource(LowRankMethod.class)
    void givesTheSameFactorsForTheSameSeed(LowRankMethod method) {
        Matrix w = Samples.normal(70, 90, 1);
        Weighting weighting = method.weighting(Samples.inputs(Samples.correlated(200, 90, 2)), 90);

        Factors first = new Factorizer(w, weighting, 5, pool).ofRank(8);

        try (var alone = new ComputePool(1)) {
            Factors again = new Factorizer(w, weighting, 5, alone).ofRank(8);
            assertThat(again.left().values()).containsExactly(first.left().values());
            assertThat(again.right().values()).containsExactly(first.right().values());
        }
        Factors other = new Factorizer(w, weighting, 6, pool).ofRank(8);
        assertThat(other.right().values()).isNotEqualTo(first.right().values());
    }

    @Test
    void takesAMatrixOfZeros() {
        Factors factors = factorizer(new Matrix(70, 90), Weighting.none()).ofRank(8);

        assertThat(factors.energies()).containsOnly(0);
        assertThat(factors.product(pool).values()).containsOnly(0);
    }

    @Test
    void refusesWhatIsNotFinite() {
        for (int[] shape : new int[][] {{70, 90}, {9, 8}, {8, 9}}) {
            Matrix w = Samples.normal(shape[0], shape[1], 1);
            w.values()[20] = Float.NaN;
            Matrix huge = Samples.normal(shape[0], shape[1], 1);
            huge.values()[20] = 1e30f;

            assertThatThrownBy(() -> factorizer(w, Weighting.none()).ofRank(8))
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining("within the range of floats");
            assertThatThrownBy(() -> factorizer(huge, Weighting.none()).ofRank(8))
                    .isInstanceOf(BadCheckpoint.class);
        }
    }

    @Test
    void refusesStatisticsOfAnotherMatrix() {
        var inputs = Samples.inputs(Samples.normal(20, 50, 1));
        Covariance broken = inputs.covariance();
        broken.values()[3] = Float.NaN;

        assertThatThrownBy(() -> LowRankMethod.ASVD.weighting(inputs, 51))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("51 input columns expected, found 50");
        assertThatThrownBy(() -> LowRankMethod.SVD_LLM.weighting(inputs, 51)).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> Weighting.covariance(broken, 50))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("finite");
        var negative = inputs.statistics();
        negative.meanSquare()[7] = -1;
        assertThatThrownBy(() -> Weighting.meanSquares(negative, 50))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("-1.0 in column 7");
    }

    @Test
    void asksOnlyForWhatItNeeds() {
        assertThat(LowRankMethod.SVD.weighting(Samples.none(), 50)).isEqualTo(Weighting.none());
    }

    private Factorizer factorizer(Matrix matrix, Weighting weighting) {
        return new Factorizer(matrix, weighting, 1, pool);
    }
}
