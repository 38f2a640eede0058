package dev.trimtab.kernel;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
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

/// Products of a 2048 x 2048 matrix on one thread, in microseconds: 4.2 million weights, so 4194 over the
/// figure and times the tokens is GMAC/s.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class LinearBenchmark {
    private static final int SIZE = 2048;

    @Param({"F32", "BF16", "F16", "INT8", "INT4"})
    PackedFormat format;

    @Param({"FLOAT32", "INT8"})
    ActivationPrecision precision;

    @Param({"1", "2", "8", "64"})
    int tokens;

    private ComputePool pool;
    private Arena arena;
    private LinearOperator scalar;
    private LinearOperator vector;
    private Activations in;
    private Activations out;

    @Setup(Level.Trial)
    public void setUp() {
        pool = new ComputePool(1);
        arena = Arena.ofShared();
        MemorySegment data = arena.allocate(4L * SIZE * SIZE);
        for (int i = 0; i < SIZE * SIZE; i++) {
            data.setAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, i, (i * 31 % 97 - 48) / 100f);
        }
        var weight = new Tensor("benchmark", Encoding.F32, Shape.of(SIZE, SIZE), data);
        scalar = Kernels.scalar(pool).linear(weight, format, precision, arena);
        vector = Kernels.vector(pool).linear(weight, format, precision, arena);
        in = new Activations(tokens, SIZE);
        out = new Activations(tokens, SIZE);
        in.reset(tokens);
        for (int i = 0; i < tokens * SIZE; i++) {
            in.values()[i] = (i * 17 % 101 - 50) / 50f;
        }
    }

    @TearDown(Level.Trial)
    public void tearDown() {
        arena.close();
        pool.close();
    }

    @Benchmark
    public Activations scalar() {
        scalar.apply(in, out);
        return out;
    }

    @Benchmark
    public Activations vector() {
        vector.apply(in, out);
        return out;
    }
}
