package dev.trimtab.kernel;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// A vector-wise sparse matrix of 4096 x 8192 against the dense one in int8 on one thread, in microseconds:
/// 34 MB dense, so memory is part of it. Speed should follow the density.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class SparseBenchmark {
    private static final int ROWS = 4096;
    private static final int COLUMNS = 8192;
    private static final int PANEL = TensorForm.VectorSparse.PANEL;

    @Param({"100", "50", "25", "12"})
    int percent;

    @Param({"Q8_0", "F16"})
    Encoding encoding;

    @Param({"1", "4"})
    int tokens;

    private ComputePool pool;
    private Arena arena;
    private LinearOperator sparse;
    private LinearOperator dense;
    private Activations in;
    private Activations out;

    @Setup(Level.Trial)
    public void setUp() {
        pool = new ComputePool(1);
        arena = Arena.ofShared();
        Kernels kernels = Kernels.vector(pool);
        int kept = COLUMNS * percent / 100;
        int panels = ROWS / PANEL;
        TensorForm.VectorSparse form = new TensorForm.VectorSparse(
                Shape.of(ROWS, COLUMNS),
                IntStream.rangeClosed(0, panels).map(panel -> panel * kept).toArray(),
                IntStream.range(0, panels * kept)
                        .map(i -> (int) ((long) (i % kept) * COLUMNS / kept))
                        .toArray(),
                weights(encoding, panels * kept, PANEL));
        sparse = kernels.vectorSparse(form, arena);
        dense = kernels.linear(
                weights(Encoding.Q8_0, ROWS, COLUMNS), PackedFormat.INT8, ActivationPrecision.INT8, arena);
        in = new Activations(tokens, COLUMNS);
        out = new Activations(tokens, ROWS);
        in.reset(tokens);
        for (int i = 0; i < tokens * COLUMNS; i++) {
            in.values()[i] = (i * 17 % 101 - 50) / 50f;
        }
    }

    private static Tensor weights(Encoding encoding, int rows, int columns) {
        byte[] bytes = new byte[Math.toIntExact(encoding.sizeBytes((long) rows * columns))];
        float[] row = new float[columns];
        MemorySegment data = MemorySegment.ofArray(bytes);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                row[j] = ((i * 7 + j * 31) % 97 - 48) / 100f;
            }
            Quantizer.encode(encoding, row, data, i * encoding.sizeBytes(columns));
        }
        return new Tensor("benchmark", encoding, Shape.of(rows, columns), data);
    }

    @TearDown(Level.Trial)
    public void tearDown() {
        arena.close();
        pool.close();
    }

    @Benchmark
    public Activations sparse() {
        sparse.apply(in, out);
        return out;
    }

    @Benchmark
    public Activations dense() {
        in.reset(tokens);
        dense.apply(in, out);
        return out;
    }
}
