package dev.trimtab.engine;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.engine.Engine.Surroundings;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.ForwardPass;
import dev.trimtab.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
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

/// What a decode step costs outside the model: the forward pass only copies logits made before.
///
/// Goal: under 60 microseconds at batch 1, under 100 at batch 8.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-XX:+UseSerialGC"})
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class StepBenchmark {
    private static final int CONTEXT = 1024;
    private static final int ROWS = 8;

    @Param({"1", "8"})
    int batch;

    @Param({"2560", "49152"})
    int vocabSize;

    @Param({"greedy", "temperature", "topP", "topK", "everything"})
    String sampling;

    private KvPool pool;
    private Engine engine;

    @Setup(Level.Trial)
    public void fill() {
        pool = new KvPool(1L << 22);
        engine = new Engine(
                new EngineOptions(ROWS, 512, 64),
                new Instant(vocabSize),
                tokenizer(vocabSize),
                new Surroundings(pool, EngineListener.NONE, System::nanoTime));
        for (int i = 0; i < batch; i++) {
            submit(i);
        }
    }

    private void submit(int index) {
        List<String> strings = sampling.equals("everything") ? List.of("w1w2", "w30w300") : List.of();
        StopCondition stop = new StopCondition(CONTEXT, strings, Set.of(), true);
        var request = new GenerationRequest("s" + index, new int[] {5, 6, 7 + index}, options(), stop);
        engine.submit(request, event -> {
            if (!(event instanceof TokenEvent.Delta)) {
                submit(index);
            }
        });
    }

    private SamplingOptions options() {
        OptionalLong seed = OptionalLong.of(7);
        return switch (sampling) {
            case "greedy" -> SamplingOptions.GREEDY;
            case "temperature" -> new SamplingOptions(0.8f, 0, 1, 0, 1, 0, 0, Map.of(), seed);
            case "topP" -> new SamplingOptions(0.8f, 0, 0.9f, 0, 1, 0, 0, Map.of(), seed);
            case "topK" -> new SamplingOptions(0.8f, 40, 0.95f, 0, 1, 0, 0, Map.of(), seed);
            default -> new SamplingOptions(0.8f, 40, 0.95f, 0.05f, 1.1f, 0.1f, 0.1f, Map.of(3, 1f), seed);
        };
    }

    @TearDown(Level.Trial)
    public void close() {
        pool.close();
    }

    /// One decode step of the whole batch.
    @Benchmark
    public boolean step() {
        return engine.step();
    }

    private static Tokenizer tokenizer(int vocabSize) {
        List<String> pieces = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        for (int id = pieces.size(); id < vocabSize; id++) {
            pieces.add("w" + id);
        }
        Map<String, MetadataValue> values = new HashMap<>();
        values.put("tokenizer.ggml.model", new MetadataValue.Text("llama"));
        values.put("tokenizer.ggml.tokens", new MetadataValue.Texts(pieces));
        values.put("tokenizer.ggml.scores", new MetadataValue.Reals(ValueType.FLOAT32, new double[pieces.size()]));
        return Tokenizer.of(new Metadata("benchmark", values));
    }

    /// A forward pass that takes almost no time; logits look like a model's: a few large, most far below.
    private static final class Instant implements ForwardPass {
        private final int vocabSize;
        private final Activations[] rounds = new Activations[8];
        private final Activations logits;
        private int round;

        Instant(int vocabSize) {
            this.vocabSize = vocabSize;
            this.logits = new Activations(ROWS, vocabSize);
            Random random = new Random(1);
            for (int i = 0; i < rounds.length; i++) {
                rounds[i] = new Activations(ROWS, vocabSize);
                for (int row = 0; row < ROWS; row++) {
                    for (int id = 0; id < vocabSize; id++) {
                        double tail = random.nextInt(500) == 0 ? 12 : 0;
                        rounds[i].values()[row * rounds[i].stride() + id] = (float) (random.nextGaussian() * 2 + tail);
                    }
                }
            }
        }

        @Override
        public int vocabSize() {
            return vocabSize;
        }

        @Override
        public int contextLength() {
            return CONTEXT;
        }

        @Override
        public KvLayout kvLayout() {
            return new KvLayout(KvEncodings.F16, 4, List.of(1));
        }

        @Override
        public int tokenCapacity() {
            return 512;
        }

        @Override
        public int logitCapacity() {
            return ROWS;
        }

        @Override
        public Activations forward(TokenBatch batch) {
            Activations source = rounds[round++ % rounds.length];
            int count = batch.logitCount() * logits.stride(); // a copy, because penalties change it
            System.arraycopy(source.values(), 0, logits.values(), 0, count);
            logits.reset(batch.logitCount());
            return logits;
        }
    }
}
