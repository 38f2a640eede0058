package dev.trimtab.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.PackedMatrix;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizationTest {
    private final ComputePool pool = new ComputePool(2);

    @AfterEach
    void close() {
        pool.close();
    }

    private TensorForm form(Problem problem, String scheme, String rounding) {
        return Quantization.of(scheme, rounding).quantize(problem.job(pool)).form();
    }

    private static float[] ones(int count) {
        float[] ones = new float[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    /// The bounds on `sqrt(sum (w - q)^2 / sum w^2)` lie a little above what normal weights get.
    @ParameterizedTest
    @CsvSource({
        "int8_sym_g32, 0.0075",
        "int8_asym_g32, 0.0052",
        "int7_sym_g32, 0.0145",
        "int6_sym_g32, 0.0250",
        "int6_asym_g128, 0.0260",
        "int5_sym_g32, 0.0500",
        "int4_sym_g32, 0.100",
        "int4_asym_g64, 0.098",
        "int4_sym_row, 0.155",
        "int3_asym_g32, 0.185",
        "int2_asym_g32, 0.430",
        "q4_k, 0.080",
        "q6_k, 0.0185",
        "fp8_e4m3, 0.028",
        "fp8_e5m2, 0.056",
        "mxfp4, 0.120",
        "dynamic_int8, 0.0095",
        "hqq4, 0.100",
        "codebook16, 0.105",
        "codebook4, 0.36",
        "codebook256, 0.012",
        "hashed4, 0.90",
        "bf16, 0.002",
    })
    void keepsNormalWeightsWithinTheErrorOfTheirBits(String scheme, double bound) {
        Problem problem = new Problem(Problem.normal(16, 512, 1), new float[][] {});

        TensorForm form = Quantization.of(scheme)
                .quantize(QuantizeJob.uncalibrated("w", problem.matrix(), pool))
                .form();

        double energy = problem.weightError(zeros(16, 512), ones(512), 2);
        double error = Math.sqrt(problem.weightError(form, ones(512), 2) / energy);
        assertThat(error).isBetween(bound / 4, bound);
        assertThat(form.shape()).isEqualTo(problem.matrix().shape());
    }

    private TensorForm zeros(int rows, int columns) {
        return Quantization.of("f16")
                .quantize(QuantizeJob.uncalibrated("zero", new Matrix(rows, columns), pool))
                .form();
    }

    @ParameterizedTest
    @ValueSource(strings = {"int2_asym_g32", "int3_sym_g64", "int4_sym_g32", "int4_asym_row", "codebook8", "q3_k"})
    void importanceLowersTheWeightedError(String scheme) {
        for (long seed = 1; seed <= 3; seed++) {
            Problem problem = Problem.correlated(8, 256, seed);
            float[] importance = problem.statistics().meanSquare();

            double nearest = problem.weightError(form(problem, scheme, "nearest"), importance, 2);
            double weighted = problem.weightError(form(problem, scheme, "imatrix"), importance, 2);

            assertThat(weighted).isLessThan(nearest);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int2_sym_g32", "int2_asym_g32", "int3_sym_g32", "int3_asym_g64", "int4_sym_g32", "int4_asym_g128",
                "int5_sym_g32", "int5_asym_row", "int6_sym_g32", "int6_asym_g32", "int8_sym_g32", "int8_asym_g32",
                "codebook4", "codebook16"
            })
    void gptqLowersTheOutputsError(String scheme) {
        for (long seed = 1; seed <= 3; seed++) {
            Problem problem = Problem.correlated(12, 160, seed);

            double nearest = problem.outputError(form(problem, scheme, "nearest"));
            double importance = problem.outputError(form(problem, scheme, "importance"));
            double gptq = problem.outputError(form(problem, scheme, "gptq"));

            assertThat(gptq).isLessThan(0.8 * nearest).isLessThan(0.8 * importance);
        }
    }

    /// Nothing can be made up for in columns that do not go together.
    @ParameterizedTest
    @ValueSource(strings = {"int4_sym_g32", "int3_asym_g64", "codebook8"})
    void gptqOnInputsThatDoNotGoTogetherIsRoundingToNearest(String scheme) {
        Matrix matrix = Problem.normal(40, 320, 5);
        float[] identity = new float[320 * 320];
        for (int i = 0; i < 320; i++) {
            identity[i * 320 + i] = 2;
        }
        float[] twos = ones(320);
        for (int i = 0; i < twos.length; i++) {
            twos[i] = 2;
        }
        Inputs inputs = inputs(new InputStatistics(9, twos, twos, twos), new Covariance(320, identity));
        QuantizeJob job = new QuantizeJob("w", matrix, inputs, pool);

        TensorForm gptq = Quantization.of(scheme, "gptq").quantize(job).form();
        TensorForm importance =
                Quantization.of(scheme, "importance").quantize(job).form();

        assertSameRows(gptq, importance);
    }

    private static Inputs inputs(InputStatistics statistics, Covariance covariance) {
        return new Inputs() {
            @Override
            public InputStatistics statistics() {
                return statistics;
            }

            @Override
            public Covariance covariance() {
                return covariance;
            }
        };
    }

    private static void assertSameRows(TensorForm found, TensorForm expected) {
        int columns = (int) expected.shape().columns();
        float[] one = new float[columns];
        float[] other = new float[columns];
        for (int row = 0; row < expected.shape().rows(); row++) {
            found.row(row, one, 0);
            expected.row(row, other, 0);
            assertThat(one).isEqualTo(other);
        }
    }

    @Test
    void gptqGivesTheSameCodesOnAnyNumberOfThreads() {
        Problem problem = Problem.correlated(300, 288, 4);

        try (ComputePool alone = new ComputePool(1)) {
            TensorForm one = Quantization.of("int4_sym_g32", "gptq")
                    .quantize(problem.job(alone))
                    .form();
            assertSameRows(form(problem, "int4_sym_g32", "gptq"), one);
        }
    }

    @Test
    void gptqTakesTheColumnsThatMatterFirstWhereAsked() {
        Problem problem = Problem.correlated(12, 160, 6);
        var options = new Gptq.Options(0.01, Gptq.Order.DESCENDING);
        var job = new QuantizeJob("w", problem.matrix(), problem, options, pool, _ -> {});

        double ordered = problem.outputError(
                Quantization.of("int3_sym_g32", "gptq").quantize(job).form());

        assertThat(ordered).isLessThan(0.8 * problem.outputError(form(problem, "int3_sym_g32", "importance")));
        assertThat(ordered).isNotEqualTo(problem.outputError(form(problem, "int3_sym_g32", "gptq")));
    }

    /// Columns whose input was always zero, and inputs that span a few directions only.
    @Test
    void gptqStandsSingularInputs() {
        Problem problem = Problem.correlated(6, 96, 7);
        for (float[] vector : problem.vectors()) {
            vector[5] = 0;
            for (int i = 32; i < 96; i++) {
                vector[i] = vector[i % 2];
            }
        }
        var undamped = new QuantizeJob(
                "w", problem.matrix(), problem, new Gptq.Options(0, Gptq.Order.AS_STORED), pool, _ -> {});

        TensorForm gptq =
                Quantization.of("int4_sym_g32", "gptq").quantize(undamped).form();

        assertThat(problem.outputError(gptq)).isLessThan(problem.outputError(form(problem, "int4_sym_g32", "nearest")));
        float[] row = new float[96];
        gptq.row(3, row, 0);
        assertThat(row[5]).isZero();
    }

    @Test
    void refusesACovarianceThatIsNone() {
        float[] values = new float[64 * 64];
        for (int i = 0; i < 64; i++) {
            values[i * 64 + i] = 1;
            values[i * 64 + (i + 1) % 64] = -900;
            values[(i + 1) % 64 * 64 + i] = -900;
        }
        float[] moments = ones(64);
        Inputs inputs = inputs(new InputStatistics(1, moments, moments, moments), new Covariance(64, values));
        QuantizeJob job = new QuantizeJob("w", Problem.normal(2, 64, 1), inputs, pool);

        assertThatThrownBy(() -> Quantization.of("int4", "gptq").quantize(job))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("positive definite");
    }

    @Test
    void hqqIsNoWorseThanTheExtremesByItsOwnMeasure() {
        for (String bits : new String[] {"2", "3", "4", "8"}) {
            Problem problem = Problem.correlated(8, 256, 8);
            String scheme = "int" + bits + "_asym_g64";

            double nearest = problem.weightError(form(problem, scheme, "nearest"), ones(256), 0.7);
            double hqq = problem.weightError(form(problem, "hqq" + bits, "nearest"), ones(256), 0.7);

            assertThat(hqq).isLessThan(nearest);
        }
    }

    @Test
    void awqScalesTheColumnsThatMatter() {
        Problem problem = Problem.correlated(16, 128, 9);
        for (float[] vector : problem.vectors()) {
            vector[17] *= 30;
        }
        Quantized awq = Quantization.of("int3_sym_g64", "awq").quantize(problem.job(pool));

        float[] scale = awq.scaling().orElseThrow();

        assertThat(scale[17]).isGreaterThan(2 * scale[18]);
        assertThat(problem.outputError(unscaled(awq, problem.matrix())))
                .isLessThan(problem.outputError(form(problem, "int3_sym_g64", "nearest")));
        assertThatThrownBy(() -> awq.unscaled("blk.0.ffn_down.weight"))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("blk.0.ffn_down.weight");
    }

    /// What the caller's folding of the inverse makes of the form.
    private TensorForm unscaled(Quantized awq, Matrix like) {
        Matrix decoded = new Matrix(like.rows(), like.columns());
        for (int row = 0; row < like.rows(); row++) {
            awq.form().row(row, decoded.values(), row * like.columns());
        }
        for (int i = 0; i < decoded.values().length; i++) {
            decoded.values()[i] /= awq.columnScale()[i % like.columns()];
        }
        return Quantization.of("f32")
                .quantize(QuantizeJob.uncalibrated("w", decoded, pool))
                .form();
    }

    @Test
    void hashedSharingKeepsItsShareOfTheEnergy() {
        Problem problem = new Problem(Problem.normal(64, 512, 10), new float[][] {});

        Quantized hashed = Quantization.of("hashed2").quantize(QuantizeJob.uncalibrated("w", problem.matrix(), pool));

        double energy = problem.weightError(zeros(64, 512), ones(512), 2);
        double kept = 1 - problem.weightError(hashed.form(), ones(512), 2) / energy;
        // buckets of 2 on average; those of one weight lose nothing, so a little more than a half is kept
        assertThat(kept).isBetween(0.40, 0.60);
        assertThat(hashed.note()).contains("16 bits", "8.00");
    }

    /// The codes that a method chose are those that the kernels multiply.
    @ParameterizedTest
    @CsvSource({
        "int2_sym_g32, INT2",
        "int2_asym_g64, INT2_ASYMMETRIC",
        "int3_sym_row, INT3",
        "int3_asym_g32, INT3_ASYMMETRIC",
        "int4_sym_g128, INT4",
        "int4_asym_g32, INT4_ASYMMETRIC",
        "int5_sym_g32, INT5",
        "int5_asym_g32, INT5_ASYMMETRIC",
        "int6_sym_g32, INT6",
        "int6_asym_g32, INT6_ASYMMETRIC",
        "int7_sym_g32, INT8",
        "int8_sym_g32, INT8",
        "int8_asym_g32, INT8_ASYMMETRIC",
    })
    void codesReachTheKernelsUnchanged(String scheme, PackedFormat format) {
        Problem problem = Problem.correlated(37, 160, 11);
        float[] decoded = new float[160];
        float[] row = new float[160];

        TensorForm.Dense form = (TensorForm.Dense) form(problem, scheme, "gptq");

        assertThat(PackedFormat.lossless(form.tensor().encoding())).isEqualTo(format);
        try (Arena arena = Arena.ofShared()) {
            PackedMatrix packed = PackedMatrix.pack(form.tensor(), format, pool, arena);
            for (int r = 0; r < 37; r++) {
                form.row(r, decoded, 0);
                packed.row(r, row, 0);
                for (int i = 0; i < row.length; i++) {
                    assertThat(Float.floatToRawIntBits(row[i])).isEqualTo(Float.floatToRawIntBits(decoded[i]));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"nearest", "importance", "hqq", "gptq", "awq"})
    void standsMatricesOfZerosAndColumnsWithoutInput(String rounding) {
        Problem problem = Problem.correlated(5, 64, 12);
        Arrays.fill(problem.matrix().values(), 0);
        for (float[] vector : problem.vectors()) {
            Arrays.fill(vector, 0, 40, 0);
        }

        TensorForm form = form(problem, "int4_asym_g32", rounding);

        float[] row = new float[64];
        form.row(4, row, 0);
        assertThat(row).containsOnly(0);
    }

    @Test
    void refusesWeightsThatAreNoNumbers() {
        Matrix matrix = Problem.normal(3, 64, 1);
        matrix.values()[130] = Float.NaN;

        assertThatThrownBy(() -> QuantizeJob.uncalibrated("blk.1.ffn_up.weight", matrix, pool))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("blk.1.ffn_up.weight")
                .hasMessageContaining("row 2");
    }

    @Test
    void refusesStatisticsOfAnotherMatrixAndMissingOnes() {
        Matrix matrix = Problem.normal(3, 64, 1);
        QuantizeJob other = new QuantizeJob("w", matrix, Problem.correlated(3, 96, 1), pool);
        QuantizeJob none = QuantizeJob.uncalibrated("w", matrix, pool);
        float[] broken = ones(64);
        broken[7] = Float.NaN;
        QuantizeJob nan = new QuantizeJob(
                "w", matrix, inputs(new InputStatistics(1, broken, broken, broken), new Covariance(1, ones(1))), pool);

        for (String rounding : new String[] {"importance", "gptq", "awq"}) {
            Quantization quantization = Quantization.of("int4", rounding);
            assertThatThrownBy(() -> quantization.quantize(other))
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining("expected 64 columns, found 96");
            assertThatThrownBy(() -> quantization.quantize(none))
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining("needs statistics");
        }
        assertThatThrownBy(() -> Quantization.of("int4", "awq").quantize(nan))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("column 7, found NaN");
    }

    @Test
    void tellsHowFarItIs() {
        Problem problem = Problem.correlated(300, 64, 13);
        for (String rounding : Rounding.names()) {
            var last = new AtomicReference<>(0.0);
            var job = new QuantizeJob("w", problem.matrix(), problem, Gptq.Options.DEFAULT, pool, share -> {
                assertThat(share).isGreaterThan(last.get()).isLessThanOrEqualTo(1);
                last.set(share);
            });

            Quantization.of("int4_asym", rounding).quantize(job);

            assertThat(last.get()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "int4_sym_g32, hqq",
        "q4_k, gptq",
        "codebook16, awq",
        "hashed, hqq",
        "fp8_e4m3, gptq",
    })
    void refusesWhatDoesNotGoTogether(String scheme, String rounding) {
        assertThatThrownBy(() -> Quantization.of(scheme, rounding))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("do not go together")
                .hasMessageContaining("expected");
    }

    @ParameterizedTest
    @ValueSource(strings = {"int9", "int4_g16", "codebook3", "codebook512", "codebook0", "hashed1", "hqq9", "q4", ""})
    void refusesSchemesItDoesNotKnow(String scheme) {
        assertThatThrownBy(() -> Quantization.of(scheme))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("codebook");
    }

    @ParameterizedTest
    @CsvSource({
        "q4_k, 288, int5_sym_g32",
        "q5_k, 288, int5_asym_g32",
        "q6_k, 288, int8_sym_g32",
        "q2_k, 288, int4_sym_g32",
        "q2_k, 512, q2_k",
        "q4_k, 20, f16",
        "int3_asym_g128, 48, f16",
        "nvfp4, 96, mxfp4",
        "fp8_e5m2, 64, fp8_e5m2",
        "codebook8, 7, codebook8",
    })
    void namesWhatHoldsRowsThatAreNoWholeBlocks(String scheme, int columns, String fitting) {
        QuantizeScheme named = QuantizeScheme.named(scheme).orElseThrow();

        assertThat(named.fitting(columns).name()).isEqualTo(fitting);

        if (!scheme.equals(fitting)) {
            assertThatThrownBy(() -> new Quantization(named, Rounding.NEAREST)
                            .quantize(QuantizeJob.uncalibrated("w", Problem.normal(2, columns, 1), pool)))
                    .isInstanceOf(Unsupported.class)
                    .hasMessageContaining(fitting);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int4_sym_g32",
                "int8_asym_row",
                "int7_sym_g128",
                "q4_k",
                "fp8_e4m3",
                "mxfp4",
                "codebook16",
                "hashed4",
                "bf16"
            })
    void spellsSchemesAsItReadsThem(String name) {
        assertThat(QuantizeScheme.named(name).orElseThrow().name()).isEqualTo(name);
    }
}
