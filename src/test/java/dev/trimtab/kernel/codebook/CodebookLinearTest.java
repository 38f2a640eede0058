package dev.trimtab.kernel.codebook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CodebookLinearTest {
    private final ComputePool pool = new ComputePool(2);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
        pool.close();
    }

    private static TensorForm.Codebook form(int rows, int columns, int bits, int rowsPerBook) {
        var random = new Random(rows + columns + bits);
        float[] centroids = new float[Math.ceilDiv(rows, rowsPerBook) << bits];
        for (int i = 0; i < centroids.length; i++) {
            centroids[i] = Float.float16ToFloat(Float.floatToFloat16((float) random.nextGaussian()));
        }
        byte[] indices = new byte[rows * columns];
        for (int i = 0; i < indices.length; i++) {
            indices[i] = (byte) random.nextInt(1 << bits);
        }
        return new TensorForm.Codebook(Shape.of(rows, columns), bits, rowsPerBook, centroids, indices);
    }

    private static Activations activations(int tokens, int columns) {
        var random = new Random(tokens);
        var in = new Activations(tokens, columns);
        in.reset(tokens);
        for (int token = 0; token < tokens; token++) {
            for (int i = 0; i < columns; i++) {
                in.values()[token * in.stride() + i] = (float) random.nextGaussian();
            }
        }
        return in;
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 1",
        "32, 32, 4, 1, 2",
        "33, 65, 3, 2, 5",
        "77, 1100, 5, 1, 3",
        "40, 2048, 8, 16, 4",
        "96, 1024, 4, 64, 1",
        "31, 2100, 2, 1, 7",
        "70, 90, 7, 4, 9",
        "64, 33, 6, 128, 6"
    })
    void multipliesTheDecodedWeightsInEveryTier(int rows, int columns, int bits, int rowsPerBook, int tokens) {
        TensorForm.Codebook form = form(rows, columns, bits, rowsPerBook);
        Activations in = activations(tokens, columns);
        var plain = new Activations(tokens, rows);
        var fast = new Activations(tokens, rows);
        Arrays.fill(plain.values(), 7);
        Arrays.fill(fast.values(), 7);

        Kernels.scalar(pool).codebook(form, arena).apply(in, plain);
        Kernels.vector(pool).codebook(form, arena).apply(in, fast);

        float[] row = new float[columns];
        for (int token = 0; token < tokens; token++) {
            for (int r = 0; r < rows; r++) {
                form.row(r, row, 0);
                double sum = 0;
                for (int i = 0; i < columns; i++) {
                    sum += (double) row[i] * in.values()[token * in.stride() + i];
                }
                assertThat((double) plain.values()[token * plain.stride() + r])
                        .isCloseTo(sum, within(1e-5 * Math.max(16, columns)));
            }
            int from = token * plain.stride();
            assertThat(Arrays.copyOfRange(plain.values(), from + rows, from + plain.stride()))
                    .isEqualTo(new float[plain.stride() - rows]);
            assertThat(Arrays.copyOfRange(fast.values(), from, from + fast.stride()))
                    .isEqualTo(Arrays.copyOfRange(plain.values(), from, from + plain.stride()));
        }
    }

    @Test
    void givesATokenTheSameBitsInAnyBatch() {
        LinearOperator linear = Kernels.best(pool).codebook(form(77, 1100, 4, 1), arena);
        Activations all = activations(13, 1100);
        var expected = new Activations(13, 77);
        linear.apply(all, expected);

        for (int count = 1; count < 8; count++) {
            var in = new Activations(count, 1100);
            var out = new Activations(count, 77);
            in.reset(count);
            System.arraycopy(all.values(), 3 * all.stride(), in.values(), 0, count * in.stride());
            linear.apply(in, out);

            assertThat(Arrays.copyOf(out.values(), count * out.stride()))
                    .isEqualTo(Arrays.copyOfRange(expected.values(), 3 * out.stride(), (3 + count) * out.stride()));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void holdsIndicesAndCentroidsOnly(int bits) {
        TensorForm.Codebook form = form(100, 320, bits, 4);
        LinearOperator linear = Kernels.best(pool).codebook(form, arena);
        float[] expected = new float[320];
        float[] row = new float[320];

        long padded = 128L * 320 * bits / 8 + 2L * form.centroids().length + 8;
        assertThat(linear.sizeBytes()).isEqualTo(padded).isGreaterThanOrEqualTo(form.sizeBytes());
        for (int r = 0; r < 100; r++) {
            form.row(r, expected, 0);
            linear.row(r, row, 0);
            assertThat(row).isEqualTo(expected);
        }
    }

    /// It would fail if the scratch of a step were made anew. In the scalar tier, because the Vector API makes
    /// objects until it is compiled.
    @Test
    void makesNoGarbageForEachStep() {
        LinearOperator linear = Kernels.scalar(pool).codebook(form(512, 1024, 4, 1), arena);
        Activations in = activations(1, 1024);
        var out = new Activations(1, 512);
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        for (int i = 0; i < 50; i++) {
            linear.apply(in, out);
        }

        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
            linear.apply(in, out);
        }

        assertThat((threads.getCurrentThreadAllocatedBytes() - before) / 100).isLessThan(1024);
    }
}
