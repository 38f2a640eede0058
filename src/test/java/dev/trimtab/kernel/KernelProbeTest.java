package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class KernelProbeTest {
    private final ComputePool pool = new ComputePool(1);
    private final AtomicLong clock = new AtomicLong();
    private final KernelProbe probe = new KernelProbe(pool, clock::get);

    @AfterEach
    void close() {
        pool.close();
    }

    @ParameterizedTest
    @EnumSource(PackedFormat.class)
    void statesSpeedFromBytesAndMultiplications(PackedFormat format) {
        var kernels = new PacedKernels(5.0);

        KernelProbe.Figure figure = probe.measure(kernels, format, ActivationPrecision.FLOAT32, 3, 64, 100_000, 3);

        assertThat(figure.gigaMacsPerSecond()).isBetween(4.9, 5.1);
        double bytesForWeight = format.tileBytes() / 1024.0;
        assertThat(figure.gigabytesPerSecond() * 3).isBetween(4.9 * bytesForWeight, 5.1 * bytesForWeight);
    }

    @ParameterizedTest
    @CsvSource({"0.3, false", "3, true", "40, true"})
    void tellsFallenKernelsFromThoseOnTheirFeet(double gigaMacsPerSecond, boolean expected) {
        var kernels = new PacedKernels(gigaMacsPerSecond);

        boolean keepsUp = probe.keepsUp(kernels, PackedFormat.INT4, ActivationPrecision.INT8);

        assertThat(keepsUp).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"0.3, false", "3, true"})
    void judgesSparseVectorsAndProductsOfPanels(double gigaMacsPerSecond, boolean expected) {
        var kernels = new PacedKernels(gigaMacsPerSecond);
        PanelProduct product = (lines, _, _, _, _, _, _, count) ->
                clock.addAndGet(Math.round((double) count * lines.depth() * PanelProduct.LINE / gigaMacsPerSecond));

        for (Encoding lines : new Encoding[] {Encoding.Q8_0, Encoding.F16}) {
            assertThat(probe.keepsUp(
                            lines,
                            (form, arena) ->
                                    new PacedLinear(Kernels.scalar(pool).vectorSparse(form, arena), kernels)))
                    .isEqualTo(expected);
        }
        assertThat(probe.keepsUp(product)).isEqualTo(expected);
    }

    @Test
    void waitsForCompilation() {
        var kernels = new PacedKernels(0.1);
        kernels.speedAfter(200, 20);

        assertThat(probe.keepsUp(kernels, PackedFormat.INT4, ActivationPrecision.INT8))
                .isTrue();
    }

    @Test
    void readsMemory() {
        assertThat(new KernelProbe(pool).readGigabytesPerSecond(1)).isPositive();
    }

    /// A tier whose products take the time they are told to, by the test's clock; nothing else is asked of
    /// it.
    private final class PacedKernels implements Kernels {
        private final Kernels scalar = Kernels.scalar(pool);
        private double gigaMacsPerSecond;
        private double laterGigaMacsPerSecond;
        private int callsUntilLater = Integer.MAX_VALUE;

        PacedKernels(double gigaMacsPerSecond) {
            this.gigaMacsPerSecond = gigaMacsPerSecond;
        }

        void speedAfter(int calls, double gigaMacsPerSecond) {
            callsUntilLater = calls;
            laterGigaMacsPerSecond = gigaMacsPerSecond;
        }

        @Override
        public String name() {
            return "paced";
        }

        @Override
        public LinearOperator linear(Tensor weight, PackedFormat format, ActivationPrecision precision, Arena arena) {
            return new PacedLinear(scalar.linear(weight, format, precision, arena), this);
        }

        @Override
        public LinearOperator vectorSparse(TensorForm.VectorSparse weight, Arena arena) {
            return scalar.vectorSparse(weight, arena);
        }

        void apply(LinearOperator linear, Activations in) {
            if (--callsUntilLater == 0) {
                gigaMacsPerSecond = laterGigaMacsPerSecond;
            }
            double macs = (double) in.tokens() * linear.rows() * linear.columns();
            clock.addAndGet(Math.round(macs / gigaMacsPerSecond));
        }

        @Override
        public LinearOperator codebook(TensorForm.Codebook form, Arena arena) {
            return scalar.codebook(form, arena);
        }

        @Override
        public void rmsNorm(Activations in, float[] weight, float eps, Activations out) {
            scalar.rmsNorm(in, weight, eps, out);
        }

        @Override
        public void rmsNormHeads(Activations x, float[] weight, float eps) {
            scalar.rmsNormHeads(x, weight, eps);
        }

        @Override
        public void layerNorm(Activations in, float[] weight, float[] bias, float eps, Activations out) {
            scalar.layerNorm(in, weight, bias, eps, out);
        }

        @Override
        public void add(Activations x, Activations delta) {
            scalar.add(x, delta);
        }

        @Override
        public void addRows(Activations x, int[] rows, float[] weights, Activations delta) {
            scalar.addRows(x, rows, weights, delta);
        }

        @Override
        public void addBias(Activations x, float[] bias) {
            scalar.addBias(x, bias);
        }

        @Override
        public void scale(Activations x, float factor) {
            scalar.scale(x, factor);
        }

        @Override
        public void softCap(Activations x, float cap) {
            scalar.softCap(x, cap);
        }

        @Override
        public void roundToInt8(Activations x) {
            scalar.roundToInt8(x);
        }

        @Override
        public void activate(Nonlinearity f, Activations in, Activations out) {
            scalar.activate(f, in, out);
        }

        @Override
        public void gate(Nonlinearity f, Activations gate, Activations up, Activations out) {
            scalar.gate(f, gate, up, out);
        }

        @Override
        public void rope(Activations x, int headDim, RopeTable table, RopePairing pairing, TokenBatch batch) {
            scalar.rope(x, headDim, table, pairing, batch);
        }

        @Override
        public void storeKv(Activations keys, Activations values, KvLayout layout, int layer, TokenBatch batch) {
            scalar.storeKv(keys, values, layout, layer, batch);
        }

        @Override
        public void attention(
                Activations query, KvLayout layout, int layer, AttentionRule rule, TokenBatch batch, Activations out) {
            scalar.attention(query, layout, layer, rule, batch, out);
        }
    }

    private record PacedLinear(LinearOperator real, PacedKernels kernels) implements LinearOperator {
        @Override
        public int rows() {
            return real.rows();
        }

        @Override
        public int columns() {
            return real.columns();
        }

        @Override
        public long sizeBytes() {
            return real.sizeBytes();
        }

        @Override
        public void row(int row, float[] out, int outOffset) {
            real.row(row, out, outOffset);
        }

        @Override
        public void apply(Activations in, Activations out) {
            kernels.apply(real, in);
        }
    }
}
