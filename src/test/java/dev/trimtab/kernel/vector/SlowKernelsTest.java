package dev.trimtab.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.KernelProbe;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.ScalarLinear;
import dev.trimtab.kernel.sparse.ScalarSparse;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What serves where the vector kernels do not run at speed.
class SlowKernelsTest {
    private static final long SECOND = 1_000_000_000;

    private final ComputePool pool = new ComputePool(1);
    private final AtomicLong clock = new AtomicLong();

    @AfterEach
    void close() {
        pool.close();
    }

    /// Whatever is timed takes a second.
    private VectorKernels slow() {
        return new VectorKernels(pool, new KernelProbe(pool, () -> clock.addAndGet(SECOND)));
    }

    @Test
    void scalarLoopsServeInstead() {
        VectorKernels kernels = slow();
        try (Arena arena = Arena.ofShared()) {
            kernels.prepare(PackedFormat.INT8, ActivationPrecision.INT8);

            assertThat(kernels.linear(weights(), PackedFormat.INT8, ActivationPrecision.INT8, arena))
                    .isInstanceOf(ScalarLinear.class);
            assertThat(kernels.vectorSparse(sparse(), arena)).isInstanceOf(ScalarSparse.class);
        }
    }

    @Test
    void eachKindIsJudgedOnce() {
        VectorKernels kernels = slow();
        try (Arena arena = Arena.ofShared()) {
            kernels.vectorSparse(sparse(), arena);
            kernels.codebook(codebook(), arena);
            long judged = clock.get();
            kernels.vectorSparse(sparse(), arena);
            kernels.codebook(codebook(), arena);

            assertThat(judged).isPositive();
            assertThat(clock.get()).isEqualTo(judged);
        }
    }

    @Test
    void vectorsServeWhereTheyKeepUp() {
        VectorKernels kernels = new VectorKernels(pool, new KernelProbe(pool, () -> 0));
        try (Arena arena = Arena.ofShared()) {
            assertThat(kernels.vectorSparse(sparse(), arena)).isInstanceOf(VectorSparse.class);
        }
    }

    private static Tensor weights() {
        return new Tensor(
                "w", Encoding.Q8_0, Shape.of(32, 32), MemorySegment.ofArray(new byte[32 * Encoding.Q8_0.blockBytes()]));
    }

    /// 32 rows that keep all of their 32 columns.
    private static TensorForm.VectorSparse sparse() {
        int[] columns = new int[32];
        Arrays.setAll(columns, i -> i);
        return new TensorForm.VectorSparse(Shape.of(32, 32), new int[] {0, 32}, columns, weights());
    }

    private static TensorForm.Codebook codebook() {
        return new TensorForm.Codebook(Shape.of(32, 32), 1, 32, new float[] {0, 1}, new byte[32 * 32]);
    }
}
