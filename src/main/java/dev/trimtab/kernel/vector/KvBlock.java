package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.FLOAT_LANES;

import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.PackedMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// One head's keys and values in one KV block, multiplied with four queries at a time: a thread's view, moved
/// from block to block. Few queries read the lines where they lie, so that the cache streams through
/// registers; for many the lines are widened to floats once. The numbers are the same, bit for bit.
final class KvBlock {
    /// Queries of one kernel call.
    static final int QUAD = 4;

    private static final int TOKENS = KvLayout.BLOCK_TOKENS;
    private static final int TILE = PackedMatrix.TILE;
    private static final int TILE_ELEMENTS = TILE * TILE;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /// Bytes of a cache line.
    private static final int LINE_BYTES = 64;

    /// Less than any second-level cache, and enough that the end of the loads' latencies counts little.
    private static final int TOUCHED_BYTES = 65_536;

    private final MemorySegment kv;
    private final KvEncoding encoding;
    private final int headDim;
    private final int tiles;
    private final long tileBytes;
    private final long keyBytes;
    private final int headBytes;
    private final boolean isWidened;
    private final Room room;
    private long keys;
    private long values;

    /// A view of blocks in `kv`; `queries` will be multiplied with each.
    KvBlock(KvLayout layout, MemorySegment kv, int queries, Room room) {
        this.kv = kv;
        this.encoding = layout.encoding();
        this.headDim = layout.headDim();
        this.tiles = layout.tiles();
        this.tileBytes = layout.tileBytes();
        this.keyBytes = layout.keyBytes();
        this.headBytes = Math.toIntExact(layout.headBytes());
        this.isWidened = queries > Room.STREAMED_QUERIES;
        this.room = room;
        room.reserve(tiles, isWidened);
    }

    /// Blocks to [#touch] at a time, before they are multiplied.
    int touchedTogether() {
        return Math.max(1, TOUCHED_BYTES / headBytes);
    }

    /// Brings the head whose keys begin at byte `at` into cache: a load a line, on which nothing waits. A
    /// kernel's own loads would come to 9 GB/s on one thread (Zen 5), for the multiplications that wait for
    /// some 15 lines fill the processor's queues, and so few lines under way do not hide memory's latency;
    /// these alone come to 25 GB/s, and to 38 in large pages.
    void touch(long at) {
        long sum = 0;
        for (int i = 0; i < headBytes; i += LINE_BYTES) {
            sum ^= kv.get(LONG, at + i);
        }
        room.touched = sum;
    }

    /// Moves to the head whose keys begin at byte `at`.
    void moveTo(long at) {
        keys = at;
        values = at + keyBytes;
        if (encoding == KvEncoding.Q8) {
            readScales(keys, 0);
            readScales(values, tiles * TILE);
        }
        if (isWidened) {
            widenKeys();
            for (int t = 0; t < tiles; t++) {
                widen(values + t * tileBytes, TILE, (tiles + t) * TILE_ELEMENTS);
            }
        }
    }

    private void readScales(long first, int to) {
        for (int t = 0; t < tiles; t++) {
            long at = first + t * tileBytes + KvLayout.SCALES;
            for (int i = 0; i < TILE; i++) {
                room.scales[to + t * TILE + i] = Float.float16ToFloat(kv.get(SHORT, at + (long) i * Short.BYTES));
            }
        }
    }

    private void widenKeys() {
        if (encoding != KvEncoding.Q8) {
            widen(keys, headDim, 0);
            return;
        }
        for (int t = 0; t < tiles; t++) {
            widen(keys + t * tileBytes, TILE, t * TILE_ELEMENTS);
        }
    }

    private void widen(long tile, int lines, int at) {
        switch (encoding) {
            case F32 -> KvTiles.widenF32(kv, tile, lines, room.wide, at);
            case F16 -> KvTiles.widenF16(kv, tile, lines, room.wide, at);
            case BF16 -> KvTiles.widenBf16(kv, tile, lines, room.wide, at);
            case Q8 -> KvTiles.widenQ8(kv, tile, lines, room.wide, at);
        }
    }

    /// `scores[q * 32 + token] = queries[from + q * headDim ..] . key` for four queries.
    void score(float[] queries, int from, float[] scores) {
        Arrays.fill(scores, 0);
        if (encoding != KvEncoding.Q8) {
            multiply(keys, 0, headDim, queries, from, headDim, scores, 0, TOKENS);
            return;
        }
        for (int t = 0; t < tiles; t++) {
            int first = t * TILE;
            int lines = Math.min(TILE, headDim - first);
            Arrays.fill(room.products, 0);
            multiply(
                    keys + t * tileBytes,
                    t * TILE_ELEMENTS,
                    lines,
                    queries,
                    from + first,
                    headDim,
                    room.products,
                    0,
                    TOKENS);
            addScaled(room.products, room.scales, first, scores);
        }
    }

    /// `out[at + q * stride + d] += sum_j weights[q * 32 + j] value_j[d]` over the first `tokens` tokens, for
    /// four queries.
    void addValues(float[] weights, int tokens, float[] out, int at, int stride) {
        for (int t = 0; t < tiles; t++) {
            float[] factors = weights;
            if (encoding == KvEncoding.Q8) {
                scale(weights, room.scales, (tiles + t) * TILE, room.products);
                factors = room.products;
            }
            int wideAt = (tiles + t) * TILE_ELEMENTS;
            multiply(values + t * tileBytes, wideAt, tokens, factors, 0, TOKENS, out, at + t * TILE, stride);
        }
    }

    private void multiply(long tile, int wideAt, int lines, float[] x, int from, int st, float[] out, int at, int os) {
        if (isWidened) {
            FloatTiles.panel4(room.wide, wideAt, lines, x, from, st, out, at, os);
            return;
        }
        switch (encoding) {
            case F32 -> KvTiles.quadF32(kv, tile, lines, x, from, st, out, at, os);
            case F16 -> KvTiles.quadF16(kv, tile, lines, x, from, st, out, at, os);
            case BF16 -> KvTiles.quadBf16(kv, tile, lines, x, from, st, out, at, os);
            case Q8 -> KvTiles.quadQ8(kv, tile, lines, x, from, st, out, at, os);
        }
    }

    /// `out[q][i] += x[q][i] scales[at + i]` for four queries.
    private static void addScaled(float[] x, float[] scales, int at, float[] out) {
        for (int i = 0; i < TOKENS; i += FLOAT_LANES) {
            FloatVector s = FloatVector.fromArray(FLOATS, scales, at + i);
            for (int q = i; q < QUAD * TOKENS; q += TOKENS) {
                FloatVector.fromArray(FLOATS, x, q)
                        .fma(s, FloatVector.fromArray(FLOATS, out, q))
                        .intoArray(out, q);
            }
        }
    }

    /// `out[q][i] = x[q][i] scales[at + i]` for four queries.
    private static void scale(float[] x, float[] scales, int at, float[] out) {
        for (int i = 0; i < TOKENS; i += FLOAT_LANES) {
            FloatVector s = FloatVector.fromArray(FLOATS, scales, at + i);
            for (int q = i; q < QUAD * TOKENS; q += TOKENS) {
                FloatVector.fromArray(FLOATS, x, q).mul(s).intoArray(out, q);
            }
        }
    }

    /// What a thread's views write to.
    static final class Room {
        /// Queries that read a block's lines where they lie: widening costs about as much as it saves two
        /// quads.
        private static final int STREAMED_QUERIES = 2 * QUAD;

        /// What was loaded, or the compiler would not load it.
        @SuppressWarnings("UnusedVariable")
        private long touched;

        private final float[] products = new float[QUAD * TOKENS];

        /// Q8's scales, `[2, tiles, BLOCK_TOKENS]`: keys', then values'.
        private float[] scales = {};

        /// Keys' lines, then values': `[2, tiles, 32, 32]`.
        private float[] wide = {};

        private void reserve(int tiles, boolean isWidened) {
            if (scales.length < 2 * tiles * TILE) {
                scales = new float[2 * tiles * TILE];
            }
            if (isWidened && wide.length < 2 * tiles * TILE_ELEMENTS) {
                wide = new float[2 * tiles * TILE_ELEMENTS];
            }
        }
    }
}
