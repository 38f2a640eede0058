package dev.trimtab.kernel.logits;

import java.util.Random;
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
import org.openjdk.jmh.annotations.Warmup;

/// One pass over a row of logits, in microseconds; the row is in cache, as after the head's product.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class LogitsBenchmark {
    @Param({"2560", "49152", "128256"})
    int vocabSize;

    private final Logits scalar = Logits.scalar();
    private final Logits vector = Logits.vector();
    private float[] row;
    private float[] maxima;

    @Setup(Level.Trial)
    public void setUp() {
        Random random = new Random(1);
        row = new float[vocabSize];
        maxima = new float[vocabSize / 64];
        for (int i = 0; i < vocabSize; i++) {
            row[i] = (float) random.nextGaussian();
        }
    }

    @Benchmark
    public int scalarArgmax() {
        return scalar.argmax(row, 0, vocabSize);
    }

    @Benchmark
    public int vectorArgmax() {
        return vector.argmax(row, 0, vocabSize);
    }

    @Benchmark
    public float scalarStripes() {
        return scalar.stripeMaxima(row, 0, vocabSize, maxima);
    }

    @Benchmark
    public float vectorStripes() {
        return vector.stripeMaxima(row, 0, vocabSize, maxima);
    }
}
