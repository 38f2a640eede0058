package dev.trimtab.kernel;

import static dev.trimtab.kernel.Lanes.FLOATS;
import static dev.trimtab.kernel.Lanes.FLOAT_LANES;
import static dev.trimtab.kernel.Lanes.HALF_SHORTS;
import static dev.trimtab.kernel.Lanes.INTS;
import static dev.trimtab.kernel.Lanes.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// Attention over KV blocks, one thread's room and its loops. Queries that share a KV head, from several
/// tokens of one sequence and from the heads of a group, pass over a block together: it is decoded to floats
/// once. For each query and block of 32 keys (Milakov and Gimelshein 2018, online softmax)
///
///     s_j = q . k_j;  m' = max(m, max_j s_j);  p_j = exp(s_j - m')
///     l = l exp(m - m') + sum_j p_j;  o = o exp(m - m') + sum_j p_j v_j
///
/// and at last `o / l`. The blocks are those of the sequence's positions, so a query's numbers depend on
/// nothing else in the batch; keys after the query have p = 0. l is kept for each of 32 lanes and summed lane
/// by lane at the end.
final class VectorAttention {
    /// Queries that pass over a block together.
    private static final int QUERIES = 64;

    /// Queries of one kernel call.
    private static final int QUAD = 4;

    private static final int BLOCK_TOKENS = KvLayout.BLOCK_TOKENS;
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final float F16_BIAS = 0x1p112f;
    private static final int F16_BITS = 0x8fffe000;

    private final float[] scores = new float[QUAD * BLOCK_TOKENS];
    private float[] keys = {};
    private float[] values = {};
    private float[] queries = {};
    private float[] outputs = {};
    private float[] maxima = {};
    private float[] sums = {};

    /// Tokens whose queries of one KV head pass together, for `group` query heads on each.
    static int tokensTogether(int group) {
        return Math.max(1, QUERIES / group);
    }

    /// The tokens `[from, to)` of one sequence, the query heads of KV head `kvHead`.
    void attend(Call call, int kvHead, int from, int to) {
        KvLayout layout = call.layout();
        int headDim = layout.headDim();
        int group = call.group();
        int count = (to - from) * group;
        makeRoom(headDim, count);
        for (int i = 0; i < count; i++) {
            loadQuery(call, from + i / group, kvHead * group + i % group, i * headDim);
        }
        int end = call.batch().position(to - 1) + 1;
        for (int block = 0; block * BLOCK_TOKENS < end; block++) {
            int start = block * BLOCK_TOKENS;
            long at = call.batch().blockOffset(call.batch().sequence(from), block)
                    + layout.headOffset(call.layer(), kvHead);
            MemorySegment kv = call.batch().kv();
            decode(layout.encoding(), kv, at, keys, headDim * BLOCK_TOKENS);
            decode(layout.encoding(), kv, at + layout.keyBytes(), values, headDim * BLOCK_TOKENS);
            int valid = Math.min(BLOCK_TOKENS, end - start);
            for (int first = 0; first < count; first += QUAD) {
                int last = Math.min(count, first + QUAD) - 1;
                if (call.batch().position(from + last / group) >= start) {
                    passBlock(call, from, first, start, valid);
                }
            }
        }
        for (int i = 0; i < count; i++) {
            storeOutput(call, from + i / group, kvHead * group + i % group, i);
        }
    }

    /// Four queries from `first` on the decoded block that begins at position `start`.
    private void passBlock(Call call, int from, int first, int start, int valid) {
        int headDim = call.layout().headDim();
        Arrays.fill(scores, 0);
        FloatTiles.panel4(keys, headDim, queries, first * headDim, headDim, scores, 0, BLOCK_TOKENS);
        int stride = stride(headDim);
        for (int i = 0; i < QUAD; i++) {
            int token = from + (first + i) / call.group();
            int limit = token < call.batch().tokenCount() ? call.batch().position(token) + 1 - start : 0;
            weigh(i * BLOCK_TOKENS, first + i, Math.min(limit, BLOCK_TOKENS), stride);
        }
        for (int d = 0; d < stride; d += FLOAT_LANES) {
            addValues(values, headDim, d, valid, scores, outputs, first * stride + d, stride);
        }
    }

    /// Turns the scores of one query, of which the first `limit` count, into weights and rescales what was
    /// summed.
    private void weigh(int at, int query, int limit, int stride) {
        if (limit <= 0) {
            Arrays.fill(scores, at, at + BLOCK_TOKENS, 0);
            return;
        }
        Arrays.fill(scores, at + limit, at + BLOCK_TOKENS, Float.NEGATIVE_INFINITY);
        float before = maxima[query];
        float max = Math.max(before, largest(scores, at));
        if (max != before) {
            float factor = (float) Math.exp(before - max);
            scale(sums, query * BLOCK_TOKENS, BLOCK_TOKENS, factor);
            scale(outputs, query * stride, stride, factor);
            maxima[query] = max;
        }
        exponentials(scores, at, max, sums, query * BLOCK_TOKENS);
        Arrays.fill(scores, at + limit, at + BLOCK_TOKENS, 0);
    }

    private static float largest(float[] scores, int at) {
        FloatVector max = FloatVector.fromArray(FLOATS, scores, at);
        for (int i = FLOAT_LANES; i < BLOCK_TOKENS; i += FLOAT_LANES) {
            max = max.max(FloatVector.fromArray(FLOATS, scores, at + i));
        }
        return max.reduceLanes(MAX);
    }

    private static void scale(float[] x, int at, int count, float factor) {
        for (int i = at; i < at + count; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, x, i).mul(factor).intoArray(x, i);
        }
    }

    /// `s = exp(s - max)`, added to `sums`.
    private static void exponentials(float[] scores, int at, float max, float[] sums, int sum) {
        for (int i = 0; i < BLOCK_TOKENS; i += FLOAT_LANES) {
            FloatVector p = VectorElementwise.exp(
                    FloatVector.fromArray(FLOATS, scores, at + i).sub(max));
            p.intoArray(scores, at + i);
            FloatVector.fromArray(FLOATS, sums, sum + i).add(p).intoArray(sums, sum + i);
        }
    }

    /// `out[at + q * os ..] += sum_j p[q][j] values[j][d ..]` for four queries and a vector of elements.
    private static void addValues(
            float[] values, int headDim, int d, int valid, float[] p, float[] out, int at, int os) {
        FloatVector a = FloatVector.fromArray(FLOATS, out, at);
        FloatVector b = FloatVector.fromArray(FLOATS, out, at + os);
        FloatVector c = FloatVector.fromArray(FLOATS, out, at + 2 * os);
        FloatVector e = FloatVector.fromArray(FLOATS, out, at + 3 * os);
        for (int j = 0; j < valid; j++) {
            FloatVector v = FloatVector.fromArray(FLOATS, values, j * headDim + d);
            a = v.fma(FloatVector.broadcast(FLOATS, p[j]), a);
            b = v.fma(FloatVector.broadcast(FLOATS, p[BLOCK_TOKENS + j]), b);
            c = v.fma(FloatVector.broadcast(FLOATS, p[2 * BLOCK_TOKENS + j]), c);
            e = v.fma(FloatVector.broadcast(FLOATS, p[3 * BLOCK_TOKENS + j]), e);
        }
        a.intoArray(out, at);
        b.intoArray(out, at + os);
        c.intoArray(out, at + 2 * os);
        e.intoArray(out, at + 3 * os);
    }

    /// Decodes `count` elements, a multiple of 32.
    private static void decode(KvEncoding encoding, MemorySegment kv, long at, float[] out, int count) {
        switch (encoding) {
            case F32 -> MemorySegment.copy(kv, FLOAT, at, out, 0, count);
            case F16 -> decodeF16(kv, at, out, count);
            case BF16 -> decodeBf16(kv, at, out, count);
        }
    }

    private static void decodeF16(MemorySegment kv, long at, float[] out, int count) {
        for (int i = 0; i < count; i += FLOAT_LANES) {
            IntVector upper = halves(kv, at + (long) i * Short.BYTES).lanewise(LSHL, 16);
            upper.lanewise(ASHR, 3)
                    .and(F16_BITS)
                    .reinterpretAsFloats()
                    .mul(F16_BIAS)
                    .intoArray(out, i);
        }
    }

    private static void decodeBf16(MemorySegment kv, long at, float[] out, int count) {
        for (int i = 0; i < count; i += FLOAT_LANES) {
            halves(kv, at + (long) i * Short.BYTES)
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats()
                    .intoArray(out, i);
        }
    }

    private static IntVector halves(MemorySegment kv, long at) {
        return (IntVector) ShortVector.fromMemorySegment(HALF_SHORTS, kv, at, LITTLE_ENDIAN)
                .convertShape(ZERO_EXTEND_S2I, INTS, 0);
    }

    private void loadQuery(Call call, int token, int head, int at) {
        int headDim = call.layout().headDim();
        int from = token * call.query().stride() + head * headDim;
        for (int d = 0; d < headDim; d++) {
            queries[at + d] = call.query().values()[from + d] * call.scale();
        }
    }

    private void storeOutput(Call call, int token, int head, int query) {
        int headDim = call.layout().headDim();
        float sum = 0;
        for (int i = 0; i < BLOCK_TOKENS; i++) {
            sum += sums[query * BLOCK_TOKENS + i];
        }
        int at = token * call.out().stride() + head * headDim;
        for (int d = 0; d < headDim; d++) {
            call.out().values()[at + d] = outputs[query * stride(headDim) + d] / sum;
        }
    }

    private static int stride(int headDim) {
        return Math.ceilDiv(headDim, FLOAT_LANES) * FLOAT_LANES;
    }

    private void makeRoom(int headDim, int count) {
        int padded = Math.ceilDiv(count, QUAD) * QUAD;
        int stride = stride(headDim);
        if (keys.length < headDim * BLOCK_TOKENS) {
            keys = new float[headDim * BLOCK_TOKENS];
            values = new float[headDim * BLOCK_TOKENS + FLOAT_LANES];
        }
        if (outputs.length < padded * stride || maxima.length < padded) {
            queries = new float[padded * stride];
            outputs = new float[padded * stride];
            maxima = new float[padded];
            sums = new float[padded * BLOCK_TOKENS];
        }
        Arrays.fill(outputs, 0, padded * stride, 0);
        Arrays.fill(sums, 0, padded * BLOCK_TOKENS, 0);
        Arrays.fill(maxima, 0, padded, Float.NEGATIVE_INFINITY);
    }

    /// What one call of [Kernels#attention] is about; `group` query heads share a KV head.
    record Call(
            Activations query, KvLayout layout, int layer, float scale, TokenBatch batch, Activations out, int group) {}
}
