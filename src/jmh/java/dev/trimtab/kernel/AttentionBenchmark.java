package dev.trimtab.kernel;

import dev.trimtab.kernel.memory.LargePages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
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

/// One layer of attention with the shape of Llama-3.2-1B (32 heads of 64 on 8 KV heads), in microseconds: a
/// single decoded token after `context` others, a prefill chunk of 64, and storing such a chunk. Each call takes the
/// next of
/// [#LAYERS] layers, whose keys and values of 8192 tokens no cache holds.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class AttentionBenchmark {
    private static final int HEAD_DIM = 64;
    private static final int HEADS = 32;
    private static final int KV_HEADS = 8;
    private static final int CHUNK = 64;
    private static final int LAYERS = 8;
    private static final Kernels.AttentionRule RULE = Kernels.AttentionRule.causal(0.125f);

    /// Of the values, and of the keys where those can be held so; else they are in Q8.
    @Param
    KvEncoding encoding;

    @Param({"128", "8192"})
    int context;

    @Param("1")
    int threads;

    private ComputePool pool;
    private Arena arena;
    private Kernels scalar;
    private Kernels vector;
    private KvLayout layout;
    private TokenBatch decode;
    private TokenBatch prefill;
    private Activations one;
    private Activations chunk;
    private Activations out;
    private int layer;

    @Setup(Level.Trial)
    public void setUp() {
        pool = new ComputePool(threads);
        arena = Arena.ofShared();
        scalar = Kernels.scalar(pool);
        vector = Kernels.vector(pool);
        layout = new KvLayout(encodings(), HEAD_DIM, Collections.nCopies(LAYERS, KV_HEADS));
        int blocks = context / KvLayout.BLOCK_TOKENS;
        MemorySegment kv = LazyMemory.allocate(arena, blocks * layout.blockBytes(), 64);
        LargePages.prefer(kv);
        long[] offsets = new long[blocks];
        for (int i = 0; i < blocks; i++) {
            offsets[i] = i * layout.blockBytes();
        }
        one = vectors(1, HEADS);
        chunk = vectors(CHUNK, HEADS);
        out = new Activations(CHUNK, HEADS * HEAD_DIM);
        decode = batch(kv, offsets, context - 1);
        prefill = batch(kv, offsets, context - CHUNK);
        for (int from = 0; from < context; from += CHUNK) {
            var stored = batch(kv, offsets, from);
            var vectors = vectors(stored.tokenCount(), KV_HEADS);
            for (int i = 0; i < LAYERS; i++) {
                vector.storeKv(vectors, vectors, layout, i, stored);
            }
        }
    }

    private KvEncodings encodings() {
        return new KvEncodings(encoding == KvEncoding.Q4 ? KvEncoding.Q8 : encoding, encoding);
    }

    private TokenBatch batch(MemorySegment kv, long[] offsets, int from) {
        var batch = new TokenBatch(kv, CHUNK, 1);
        batch.addSequence(offsets);
        for (int position = from; position < Math.min(context, from + CHUNK); position++) {
            batch.addToken(0, position);
        }
        return batch;
    }

    private static Activations vectors(int tokens, int heads) {
        var vectors = new Activations(tokens, heads * HEAD_DIM);
        vectors.reset(tokens);
        for (int i = 0; i < tokens * heads * HEAD_DIM; i++) {
            vectors.values()[i] = (i * 31 % 97 - 48) / 50f;
        }
        return vectors;
    }

    @TearDown(Level.Trial)
    public void tearDown() {
        arena.close();
        pool.close();
    }

    private int nextLayer() {
        layer = (layer + 1) % LAYERS;
        return layer;
    }

    @Benchmark
    public Activations scalarDecode() {
        scalar.attention(one, layout, nextLayer(), RULE, decode, out);
        return out;
    }

    @Benchmark
    public Activations vectorDecode() {
        vector.attention(one, layout, nextLayer(), RULE, decode, out);
        return out;
    }

    @Benchmark
    public Activations vectorPrefill() {
        vector.attention(chunk, layout, nextLayer(), RULE, prefill, out);
        return out;
    }

    @Benchmark
    public Activations vectorStore() {
        vector.storeKv(chunk, chunk, layout, nextLayer(), prefill);
        return chunk;
    }
}
