package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.FLOAT_LANES;

import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.PackedMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /// Bytes of a cache line.
    private static final int LINE_BYTES = 64;

    /// Less than any second-level cache, and enough that the end of the loads' latencies counts little.
    private static final int TOUCHED_BYTES = 65_536;

    private final MemorySegment kv;
    private final KvEncoding keyEncoding;
    private final KvEncoding valueEncoding;
    private final long keyTileBytes;
    private final long valueTileBytes;
    private final long keyBytes;
    private final int headDim;
    private final int tiles;
    private final int headBytes;
    private final boolean isWidened;
    private final Room room;
    private long keys;
    private long values;

    /// A view of blocks in `kv`; `queries` will be multiplied with each.
    KvBlock(KvLayout layout, MemorySegment kv, int queries, Room room) {
        this.kv = kv;
        this.keyEncoding = layout.keys();
        this.valueEncoding = layout.values();
        this.keyTileBytes = layout.keyTileBytes();
        this.valueTileBytes = layout.valueTileBytes();
        this.keyBytes = layout.keyBytes();
        this.headDim = layout.headDim();
        this.tiles = layout.tiles();
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
        if (keyEncoding.isCoded()) {
            readScales(0, tiles);
        }
        if (valueEncoding.isCoded()) {
            readScales(tiles, 2 * tiles);
        }
        if (isWidened) {
            widen();
        }
    }

    /// How tile `n` is held. Keys' tiles come first, then values'; numbers that need no scales are in tiles as
    /// well, between which nothing lies.
    private KvEncoding encoding(int n) {
        return n < tiles ? keyEncoding : valueEncoding;
    }

    private long address(int n) {
        return n < tiles ? keys + n * keyTileBytes : values + (n - tiles) * valueTileBytes;
    }

    private int lines(int n) {
        return n < tiles ? Math.min(TILE, headDim - n * TILE) : TILE;
    }

    /// Of the tiles `[first, end)`, held alike.
    private void readScales(int first, int end) {
        long offset = encoding(first).scalesOffset();
        float unit = encoding(first) == KvEncoding.Q4 ? KvTiles.Q4_UNIT : 1;
        for (int n = first; n < end; n++) {
            KvTiles.scales(kv, address(n) + offset, unit, room.scales, n * TILE);
        }
    }

    private void widen() {
        for (int n = 0; n < 2 * tiles; n++) {
            int at = n * TILE_ELEMENTS;
            switch (encoding(n)) {
                case F32 -> KvTiles.widenF32(kv, address(n), lines(n), room.wide, at);
                case F16 -> KvTiles.widenF16(kv, address(n), lines(n), room.wide, at);
                case BF16 -> KvTiles.widenBf16(kv, address(n), lines(n), room.wide, at);
                case Q8 -> KvTiles.widenQ8(kv, address(n), lines(n), room.wide, at);
                case Q4 -> KvTiles.widenQ4(kv, address(n), lines(n), room.wide, at);
            }
        }
    }

    /// `scores[q * 32 + token] = queries[from + q * headDim ..] . key` for four queries.
    void score(float[] queries, int from, float[] scores) {
        Arrays.fill(scores, 0);
        if (!keyEncoding.isCoded()) {
            multiply(0, headDim, queries, from, headDim, scores, 0, TOKENS);
            return;
        }
        for (int t = 0; t < tiles; t++) {
            int first = t * TILE;
            Arrays.fill(room.products, 0);
            multiply(t, lines(t), queries, from + first, headDim, room.products, 0, TOKENS);
            addScaled(room.products, room.scales, first, scores);
        }
    }

    /// `out[at + q * stride + d] += sum_j weights[q * 32 + j] value_j[d]` over the first `tokens` tokens, for
    /// four queries.
    void addValues(float[] weights, int tokens, float[] out, int at, int stride) {
        for (int t = 0; t < tiles; t++) {
            float[] factors = weights;
            if (valueEncoding.isCoded()) {
                scale(weights, room.scales, (tiles + t) * TILE, room.products);
                factors = room.products;
            }
            multiply(tiles + t, tokens, factors, 0, TOKENS, out, at + t * TILE, stride);
        }
    }

    /// `lines` lines from the first of tile `n` on.
    private void multiply(int n, int lines, float[] x, int from, int st, float[] out, int at, int os) {
        if (isWidened) {
            FloatTiles.panel4(room.wide, n * TILE_ELEMENTS, lines, x, from, st, out, at, os);
            return;
        }
        long tile = address(n);
        switch (encoding(n)) {
            case F32 -> KvTiles.quadF32(kv, tile, lines, x, from, st, out, at, os);
            case F16 -> KvTiles.quadF16(kv, tile, lines, x, from, st, out, at, os);
            case BF16 -> KvTiles.quadBf16(kv, tile, lines, x, from, st, out, at, os);
            case Q8 -> KvTiles.quadQ8(kv, tile, lines, x, from, st, out, at, os);
            case Q4 -> KvTiles.quadQ4(kv, tile, lines, x, from, st, out, at, os);
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

        /// Codes' scales, `[2, tiles, BLOCK_TOKENS]`: keys', then values'.
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
