package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.BYTES;
import static dev.trimtab.kernel.vector.Lanes.F16_BITS;
import static dev.trimtab.kernel.vector.Lanes.F16_SCALE;
import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.FLOAT_LANES;
import static dev.trimtab.kernel.vector.Lanes.HALF_SHORTS;
import static dev.trimtab.kernel.vector.Lanes.INTS;
import static dev.trimtab.kernel.vector.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.vector.Lanes.SHORTS;
import static dev.trimtab.kernel.vector.Lanes.SHORT_LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.PackedMatrix;
import dev.trimtab.kernel.TokenBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
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
/// nothing else in the batch; keys after the query or before its window have p = 0. l is kept for each of 32
/// lanes and summed lane by lane at the end.
final class VectorAttention {
    /// Queries that pass over a block together.
    private static final int QUERIES = 64;

    /// Queries of one kernel call.
    private static final int QUAD = 4;

    private static final int BLOCK_TOKENS = KvLayout.BLOCK_TOKENS;
    private static final int TILE = PackedMatrix.TILE;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

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
        int firstBlock = call.rule().firstVisible(call.batch().position(from)) / BLOCK_TOKENS;
        for (int block = firstBlock; block * BLOCK_TOKENS < end; block++) {
            int start = block * BLOCK_TOKENS;
            long at = call.batch().blockOffset(call.batch().sequence(from), block)
                    + layout.headOffset(call.layer(), kvHead);
            MemorySegment kv = call.batch().kv();
            decode(layout, kv, at);
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
        FloatTiles.panel4(keys, 0, headDim, queries, first * headDim, headDim, scores, 0, BLOCK_TOKENS);
        if (call.rule().softCap() > 0) {
            VectorElementwise.softCap(scores, 0, scores.length, call.rule().softCap());
        }
        int stride = stride(headDim);
        for (int i = 0; i < QUAD; i++) {
            int token = from + (first + i) / call.group();
            int position = token < call.batch().tokenCount() ? call.batch().position(token) : -1;
            int visible = Math.max(0, call.rule().firstVisible(position) - start);
            weigh(i * BLOCK_TOKENS, first + i, visible, Math.min(position + 1 - start, BLOCK_TOKENS), stride);
        }
        for (int d = 0; d < stride; d += FLOAT_LANES) {
            addValues(values, headDim, d, valid, scores, outputs, first * stride + d, stride);
        }
    }

    /// Turns the scores of one query, of which those in `[visible, limit)` count, into weights and rescales
    /// what was summed.
    private void weigh(int at, int query, int visible, int limit, int stride) {
        if (limit <= visible) {
            Arrays.fill(scores, at, at + BLOCK_TOKENS, 0);
            return;
        }
        Arrays.fill(scores, at, at + visible, Float.NEGATIVE_INFINITY);
        Arrays.fill(scores, at + limit, at + BLOCK_TOKENS, Float.NEGATIVE_INFINITY);
        float before = maxima[query];
        float max = Math.max(before, largest(scores, at));
        if (max != before) {
            float factor = (float) Math.exp(before - max);
            scale(sums, query * BLOCK_TOKENS, BLOCK_TOKENS, factor);
            scale(outputs, query * stride, stride, factor);
            maxima[query] = max;
        }
        VectorElementwise.exp(scores, at, 1, -max, scores, at, BLOCK_TOKENS);
        accumulate(scores, at, sums, query * BLOCK_TOKENS);
        Arrays.fill(scores, at, at + visible, 0);
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

    /// `into += from`, 32 elements.
    private static void accumulate(float[] from, int at, float[] into, int to) {
        for (int i = 0; i < BLOCK_TOKENS; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, into, to + i)
                    .add(FloatVector.fromArray(FLOATS, from, at + i))
                    .intoArray(into, to + i);
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

    /// Decodes one head's keys at byte `at` and the values after them.
    private void decode(KvLayout layout, MemorySegment kv, long at) {
        int count = layout.headDim() * BLOCK_TOKENS;
        long valuesAt = at + layout.keyBytes();
        switch (layout.encoding()) {
            case F32 -> {
                MemorySegment.copy(kv, FLOAT, at, keys, 0, count);
                MemorySegment.copy(kv, FLOAT, valuesAt, values, 0, count);
            }
            case F16 -> {
                decodeF16(kv, at, keys, count);
                decodeF16(kv, valuesAt, values, count);
            }
            case BF16 -> {
                decodeBf16(kv, at, keys, count);
                decodeBf16(kv, valuesAt, values, count);
            }
            case Q8 -> {
                int tiles = Math.ceilDiv(layout.headDim(), TILE);
                decodeQ8Keys(kv, at, tiles, keys);
                for (int slot = 0; slot < BLOCK_TOKENS; slot++) {
                    decodeQ8(kv, valuesAt, slot, tiles, values, slot * layout.headDim());
                }
            }
        }
    }

    /// Decodes `tiles` key tiles from byte `first` into `[elements, 32]`, tokens in order.
    private static void decodeQ8Keys(MemorySegment kv, long first, int tiles, float[] out) {
        long tileBytes = KvLayout.TILE_BYTES;
        for (int t = 0; t < tiles; t++) {
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                long tile = first + t * tileBytes;
                int line = t * TILE * TILE + g / 2;
                var h = ShortVector.fromMemorySegment(SHORTS, kv, tile + tileBytes - 2L * TILE + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(F16_SCALE * 0x1p-16f);
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                for (int c = 0; c < TILE; c++) {
                    var bytes = ByteVector.fromMemorySegment(BYTES, kv, tile + (long) c * TILE + g, LITTLE_ENDIAN);
                    var q = ((ShortVector) bytes.convertShape(B2S, SHORTS, 0)).reinterpretAsInts();
                    ((FloatVector) q.lanewise(LSHL, 16).convert(I2F, 0)).mul(he).intoArray(out, line + c * TILE);
                    ((FloatVector) q.lanewise(ASHR, 16).convert(I2F, 0))
                            .mul(ho)
                            .intoArray(out, line + c * TILE + TILE / 2);
                }
            }
        }
    }

    /// The value in slot `slot`. Padding of its last tile falls on the next slot's place, which is decoded
    /// after it.
    private static void decodeQ8(MemorySegment kv, long at, int slot, int tiles, float[] out, int to) {
        long tileBytes = KvLayout.TILE_BYTES;
        for (int t = 0; t < tiles; t++) {
            long tile = at + t * tileBytes;
            float scale = Float.float16ToFloat(kv.get(SHORT, tile + tileBytes - 2L * TILE + 2L * slot));
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                var bytes = ByteVector.fromMemorySegment(BYTES, kv, tile + (long) slot * TILE + g, LITTLE_ENDIAN);
                var q = ((ShortVector) bytes.convertShape(B2S, SHORTS, 0)).reinterpretAsInts();
                var even = (FloatVector) q.lanewise(LSHL, 16).lanewise(ASHR, 16).convert(I2F, 0);
                even.mul(scale).intoArray(out, to + t * TILE + g / 2);
                var odd = (FloatVector) q.lanewise(ASHR, 16).convert(I2F, 0);
                odd.mul(scale).intoArray(out, to + t * TILE + TILE / 2 + g / 2);
            }
        }
    }

    private static void decodeF16(MemorySegment kv, long at, float[] out, int count) {
        for (int i = 0; i < count; i += FLOAT_LANES) {
            var halves = ShortVector.fromMemorySegment(HALF_SHORTS, kv, at + (long) i * Short.BYTES, LITTLE_ENDIAN);
            var upper = ((IntVector) halves.convertShape(ZERO_EXTEND_S2I, INTS, 0)).lanewise(LSHL, 16);
            var moved = upper.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
            moved.mul(F16_SCALE).intoArray(out, i);
        }
    }

    private static void decodeBf16(MemorySegment kv, long at, float[] out, int count) {
        for (int i = 0; i < count; i += FLOAT_LANES) {
            var halves = ShortVector.fromMemorySegment(HALF_SHORTS, kv, at + (long) i * Short.BYTES, LITTLE_ENDIAN);
            var upper = ((IntVector) halves.convertShape(ZERO_EXTEND_S2I, INTS, 0)).lanewise(LSHL, 16);
            upper.reinterpretAsFloats().intoArray(out, i);
        }
    }

    private void loadQuery(Call call, int token, int head, int at) {
        int headDim = call.layout().headDim();
        int from = token * call.query().stride() + head * headDim;
        for (int d = 0; d < headDim; d++) {
            queries[at + d] = call.query().values()[from + d] * call.rule().scale();
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
        int whole = Math.ceilDiv(headDim, TILE) * TILE * BLOCK_TOKENS;
        if (keys.length < whole) {
            keys = new float[whole];
            values = new float[whole + TILE];
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
            Activations query,
            KvLayout layout,
            int layer,
            Kernels.AttentionRule rule,
            TokenBatch batch,
            Activations out,
            int group) {}
}
