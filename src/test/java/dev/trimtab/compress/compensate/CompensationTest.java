package dev.trimtab.compress.compensate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.compensate.Compensation.Alternated;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.Samples;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompensationTest {
    private static final int ROWS = 96;
    private static final int COLUMNS = 128;

    private final ComputePool pool = new ComputePool(2);
    private final Matrix w = Samples.normal(ROWS, COLUMNS, 1);
    private final Matrix x = Samples.correlated(600, COLUMNS, 2);
    private final Inputs inputs = Samples.inputs(x);

    @AfterEach
    void close() {
        pool.close();
    }

    /// What is known of the inputs pays: the more the method knows, the smaller the error of outputs.
    @ParameterizedTest
    @EnumSource(
            value = Encoding.class,
            names = {"Q8_0", "F16", "F32"})
    void losesLessTheMoreItKnows(Encoding store) {
        Matrix error = w.minus(quantized(w));

        double none = Samples.outputError(error, x);
        double plain = corrected(CompensateMethod.LQER, store, error);
        double diagonal = corrected(CompensateMethod.L2QER, store, error);
        double full = corrected(CompensateMethod.EORA, store, error);

        assertThat(full).isLessThan(diagonal);
        assertThat(diagonal).isLessThan(plain);
        assertThat(plain).isLessThan(none);
    }

    /// Eight bits cost the correction less than a hundredth of what it gives.
    @Test
    void storesFactorsInEightBitsAtLittleLoss() {
        Matrix error = w.minus(quantized(w));
        double none = Samples.outputError(error, x);

        double exact = corrected(CompensateMethod.EORA, Encoding.F32, error);
        double stored = corrected(CompensateMethod.EORA, Encoding.Q8_0, error);

        assertThat(stored - exact).isLessThan(0.01 * (none - exact));
        TensorForm.LowRank form = correct(CompensateMethod.EORA, Encoding.Q8_0, error);
        assertThat(form.sizeBytes()).isEqualTo(Encoding.Q8_0.sizeBytes(32 * (ROWS + COLUMNS)));
        assertThat(form.rank()).isEqualTo(32);
    }

    /// Columns or directions that fill no block.
    @Test
    void storesWhatFillsNoBlock() {
        Matrix narrow = Samples.ofRank(45, 50, 5, 1, 3);
        Matrix thin = Samples.ofRank(7, 64, 5, 1, 3);

        for (Matrix error : new Matrix[] {narrow, thin}) {
            TensorForm.LowRank form = correct(CompensateMethod.LQER, Encoding.Q8_0, error);

            assertThat(form.rank()).isEqualTo(32);
            assertThat(Samples.squares(error.minus(Matrix.of("form", form)))).isLessThan(1e-4 * Samples.squares(error));
        }
    }

    @ParameterizedTest
    @EnumSource(CompensateMethod.class)
    void isNeverWorseForMoreRounds(CompensateMethod method) {
        double before = Double.POSITIVE_INFINITY;
        for (int rounds = 1; rounds <= Compensation.ROUNDS_MAX; rounds++) {
            Alternated alternated = alternate(method, rounds);

            Matrix left = w.minus(quantized(alternated.base()))
                    .minus(Matrix.of("correction", alternated.correction().orElseThrow()));
            double loss = method.weighting(inputs, COLUMNS).energy(left, pool);
            assertThat(alternated.loss()).isCloseTo(loss, within(1e-3 * loss));
            assertThat(loss).isLessThanOrEqualTo(before * 1.0001);
            assertThat(alternated.round()).isBetween(1, rounds);
            before = loss;
        }
    }

    @Test
    void alternatesToALowerLoss() {
        Alternated once = alternate(CompensateMethod.LQER, 1);
        Alternated often = alternate(CompensateMethod.LQER, 5);

        assertThat(once.base()).isSameAs(w);
        assertThat(often.loss()).isLessThan(0.99 * once.loss());
        assertThat(often.round()).isGreaterThan(1);
    }

    @Test
    void givesNothingWhereNothingIsLost() {
        var compensation = new Compensation(CompensateMethod.EORA, 32, Encoding.Q8_0, 3);

        assertThat(compensation.correct("w", new Matrix(ROWS, COLUMNS), inputs, 1, pool))
                .isEmpty();
        assertThat(compensation.correct("w", w, Samples.inputs(new Matrix(4, COLUMNS)), 1, pool))
                .isEmpty();
        Alternated alternated = compensation.alternate("w", w, Matrix::copy, inputs, 1, pool);
        assertThat(alternated.correction()).isEmpty();
        assertThat(alternated.loss()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -7})
    void givesTheSameBytesForTheSameSeed(long seed) {
        var compensation = new Compensation(CompensateMethod.EORA, 32, Encoding.Q8_0, 1);
        Matrix error = w.minus(quantized(w));

        Optional<TensorForm.LowRank> first = compensation.correct("w", error, inputs, seed, pool);
        Optional<TensorForm.LowRank> again = compensation.correct("w", error, inputs, seed, pool);

        assertThat(Matrix.of("again", again.orElseThrow()).values())
                .containsExactly(Matrix.of("first", first.orElseThrow()).values());
    }

    @Test
    void saysWhatEachDirectionGains() {
        Matrix error = w.minus(quantized(w));
        var compensation = new Compensation(CompensateMethod.EORA, 32, Encoding.F32, 1);

        double[] gains = compensation.gains(error, inputs, 1, pool);

        double gained = Samples.outputError(error, x) - corrected(CompensateMethod.EORA, Encoding.F32, error);
        assertThat(gains).hasSize(32).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        assertThat(java.util.Arrays.stream(gains).sum()).isCloseTo(gained, within(1e-3 * gained));
    }

    @Test
    void refusesWhatIsOutOfRange() {
        assertThatThrownBy(() -> new Compensation(CompensateMethod.LQER, 0, Encoding.Q8_0, 1))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("rank 1..1024 expected, found 0");
        assertThatThrownBy(() -> new Compensation(CompensateMethod.LQER, 8, Encoding.Q8_0, 6))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("iterations 1..5 expected, found 6");
        assertThatThrownBy(() -> new Compensation(CompensateMethod.LQER, 8, Encoding.Q4_0, 1))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("found Q4_0");
    }

    @Test
    void refusesAnErrorThatIsNotFinite() {
        Matrix error = w.copy();
        error.values()[5] = Float.NEGATIVE_INFINITY;
        var compensation = new Compensation(CompensateMethod.LQER, 32, Encoding.Q8_0, 1);

        assertThatThrownBy(() -> compensation.correct("w", error, Samples.none(), 1, pool))
                .isInstanceOf(BadCheckpoint.class);
    }

    private double corrected(CompensateMethod method, Encoding store, Matrix error) {
        return Samples.outputError(error.minus(Matrix.of("form", correct(method, store, error))), x);
    }

    private TensorForm.LowRank correct(CompensateMethod method, Encoding store, Matrix error) {
        return new Compensation(method, 32, store, 1)
                .correct("w", error, inputs, 1, pool)
                .orElseThrow();
    }

    private Alternated alternate(CompensateMethod method, int rounds) {
        return new Compensation(method, 32, Encoding.Q8_0, rounds)
                .alternate("w", w, CompensationTest::quantized, inputs, 1, pool);
    }

    /// As it reads from 4-bit codes.
    private static Matrix quantized(Matrix matrix) {
        byte[] bytes = new byte[(int) Encoding.Q4_0.sizeBytes(matrix.values().length)];
        MemorySegment data = MemorySegment.ofArray(bytes);
        Quantizer.encode(Encoding.Q4_0, matrix.values(), data, 0);
        Matrix decoded = new Matrix(matrix.rows(), matrix.columns());
        Dequantizer.decode(Encoding.Q4_0, data, 0, decoded.values(), 0, decoded.values().length);
        return decoded;
    }
}
