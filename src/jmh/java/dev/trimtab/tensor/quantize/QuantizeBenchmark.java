package dev.trimtab.tensor.quantize;

import dev.trimtab.tensor.Encoding;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// Rows of 4096 normal weights to each encoding on one thread, in weights a microsecond: times four,
/// MB/s of floats.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class QuantizeBenchmark {
    private static final int COLUMNS = 4096;

    @Param({
        "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
        "MXFP4", "NVFP4"
    })
    Encoding encoding;

    private float[] weights;
    private MemorySegment bytes;

    @Setup(Level.Trial)
    public void setUp() {
        Random random = new Random(1);
        weights = new float[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            weights[i] = (float) random.nextGaussian();
        }
        bytes = MemorySegment.ofArray(new byte[Math.toIntExact(encoding.sizeBytes(COLUMNS))]);
    }

    @Benchmark
    @OperationsPerInvocation(COLUMNS)
    public MemorySegment encode() {
        Quantizer.encode(encoding, weights, bytes, 0);
        return bytes;
    }
}
