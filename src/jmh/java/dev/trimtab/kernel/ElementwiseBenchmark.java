package dev.trimtab.kernel;

import java.util.Arrays;
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

/// Norm and gate of one vector of 2048, and what a run of the pool costs when it does nothing, in
/// nanoseconds.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class ElementwiseBenchmark {
    private static final int SIZE = 2048;

    @Param({"1", "2"})
    int threads;

    private ComputePool pool;
    private Kernels scalar;
    private Kernels vector;
    private Activations in;
    private Activations out;
    private float[] weight;

    @Setup(Level.Trial)
    public void setUp() {
        pool = new ComputePool(threads);
        scalar = Kernels.scalar(pool);
        vector = Kernels.vector(pool);
        in = new Activations(1, SIZE);
        out = new Activations(1, SIZE);
        in.reset(1);
        weight = new float[SIZE];
        Arrays.fill(weight, 1);
        Arrays.fill(in.values(), 0, SIZE, 0.5f);
    }

    @TearDown(Level.Trial)
    public void tearDown() {
        pool.close();
    }

    @Benchmark
    public Activations scalarRmsNorm() {
        scalar.rmsNorm(in, weight, 1e-5f, out);
        return out;
    }

    @Benchmark
    public Activations vectorRmsNorm() {
        vector.rmsNorm(in, weight, 1e-5f, out);
        return out;
    }

    @Benchmark
    public Activations scalarSwiglu() {
        scalar.gate(Kernels.Nonlinearity.SILU, in, in, out);
        return out;
    }

    @Benchmark
    public Activations vectorSwiglu() {
        vector.gate(Kernels.Nonlinearity.SILU, in, in, out);
        return out;
    }

    @Benchmark
    public void emptyRun() {
        pool.run(64, 1, (_, _) -> {});
    }
}
