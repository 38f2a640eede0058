package dev.trimtab.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// A packed matrix multiplied by SIMD kernels: one token straight from the packed panel, few tokens too where
/// codes allow, more over stretches of a panel unpacked once.
///
/// Groups of tokens are padded to what a kernel takes; the surplus falls into the spare rows of
/// [Activations].
final class VectorLinear implements LinearOperator {
    /// Up to here INT4 is multiplied as it lies, two or four tokens at a time; beyond it unpacking pays.
    private static final int DIRECT_INT4_TOKENS = 8;

    /// The same for INT8, two tokens at a time.
    private static final int DIRECT_INT8_TOKENS = 4;

    private static final int TILE = PackedMatrix.TILE;

    /// Multiply-adds of the smallest chunk: some microseconds, several times what passing it to another
    /// thread costs.
    private static final long SHARED_MACS = 1 << 17;

    private final PackedMatrix matrix;
    private final MemorySegment data;
    private final boolean onCodes;
    private final int directTokens;
    private final ComputePool pool;
    private final Unpacked[] unpacked;

    /// `unpacked` holds room for each thread of the pool.
    VectorLinear(PackedMatrix matrix, ActivationPrecision precision, ComputePool pool, Unpacked[] unpacked) {
        this.matrix = matrix;
        this.data = matrix.data();
        this.onCodes = precision == ActivationPrecision.INT8
                && (matrix.format() == PackedFormat.INT8 || matrix.format() == PackedFormat.INT4);
        int direct = matrix.format() == PackedFormat.INT4 ? DIRECT_INT4_TOKENS : DIRECT_INT8_TOKENS;
        this.directTokens = onCodes ? direct : 1;
        this.pool = pool;
        this.unpacked = unpacked;
    }

    @Override
    public int rows() {
        return matrix.rows();
    }

    @Override
    public int columns() {
        return matrix.columns();
    }

    @Override
    public long sizeBytes() {
        return matrix.sizeBytes();
    }

    @Override
    public void row(int row, float[] out, int outOffset) {
        matrix.row(row, out, outOffset);
    }

    @Override
    public void apply(Activations in, Activations out) {
        assert in.columns() == columns() && out.columns() == rows() && in != out;
        out.reset(in.tokens());
        if (in.tokens() == 0) {
            return;
        }
        if (onCodes) {
            in.encode(pool);
        }
        long macs = (long) TILE * in.stride() * in.tokens();
        int grain = (int) Math.max(1, SHARED_MACS / macs);
        pool.run(matrix.panels(), grain, (from, to) -> {
            for (int panel = from; panel < to; panel++) {
                multiply(panel, in, out);
            }
            if (to == matrix.panels()) {
                clearPadding(out);
            }
        });
    }

    private void multiply(int panel, Activations in, Activations out) {
        if (in.tokens() == 1) {
            multiplyOne(panel, in, out.values(), panel * TILE);
        } else if (in.tokens() <= directTokens) {
            multiplyFew(panel, in, out);
        } else {
            multiplyMany(panel, in, out);
        }
    }

    private void multiplyOne(int panel, Activations in, float[] out, int at) {
        long first = panel * matrix.panelBytes();
        int tiles = matrix.tileColumns();
        float[] x = in.values();
        switch (matrix.format()) {
            case F32 -> FloatTiles.gemvF32(data, first, tiles, x, 0, out, at);
            case F16 -> FloatTiles.gemvF16(data, first, tiles, x, 0, out, at);
            case BF16 -> FloatTiles.gemvBf16(data, first, tiles, x, 0, out, at);
            case INT8 -> {
                if (onCodes) {
                    Int8Tiles.gemv(data, first, tiles, in, 0, out, at);
                } else {
                    FloatTiles.gemvInt8(data, first, tiles, x, 0, out, at);
                }
            }
            case INT4 -> {
                if (onCodes) {
                    Int4Tiles.gemv(data, first, tiles, in, 0, out, at);
                } else {
                    FloatTiles.gemvInt4(data, first, tiles, x, 0, out, at);
                }
            }
        }
    }

    private void multiplyFew(int panel, Activations in, Activations out) {
        long first = panel * matrix.panelBytes();
        int tiles = matrix.tileColumns();
        int tokens = in.tokens();
        int stride = out.stride();
        boolean pairs = matrix.format() == PackedFormat.INT8;
        for (int token = 0; token < tokens; token += pairs ? 2 : 4) {
            int at = token * stride + panel * TILE;
            if (pairs) {
                Int8Tiles.gemv2(data, first, tiles, in, token, out.values(), at, stride);
            } else if (tokens - token <= 2) {
                Int4Tiles.gemv2(data, first, tiles, in, token, out.values(), at, stride);
            } else {
                Int4Tiles.gemv4(data, first, tiles, in, token, out.values(), at, stride);
            }
        }
    }

    private void multiplyMany(int panel, Activations in, Activations out) {
        Unpacked room = unpacked[ComputePool.worker()];
        int at = panel * TILE;
        for (int token = 0; token < in.tokens() + Activations.SPARE; token++) {
            Arrays.fill(out.values(), token * out.stride() + at, token * out.stride() + at + TILE, 0);
        }
        for (int column = 0; column < matrix.tileColumns(); column += Unpacked.TILES) {
            int tiles = Math.min(Unpacked.TILES, matrix.tileColumns() - column);
            long first = panel * matrix.panelBytes() + column * matrix.tileBytes();
            if (!onCodes) {
                unpackFloats(first, tiles, room.weights());
                addFloats(room, column, tiles, in, out, at);
            } else if (matrix.format() == PackedFormat.INT8) {
                Int8Tiles.unpack(data, first, tiles, room.weights(), room.scales());
                addInt8(room, column, tiles, in, out, at);
            } else {
                Int4Tiles.unpack(data, first, tiles, room.codes(), room.scales());
                addInt4(room, column, tiles, in, out, at);
            }
        }
    }

    private void unpackFloats(long first, int tiles, float[] weights) {
        switch (matrix.format()) {
            case F32 -> FloatTiles.unpackF32(data, first, tiles, weights);
            case F16 -> FloatTiles.unpackF16(data, first, tiles, weights);
            case BF16 -> FloatTiles.unpackBf16(data, first, tiles, weights);
            case INT8 -> FloatTiles.unpackInt8(data, first, tiles, weights);
            case INT4 -> FloatTiles.unpackInt4(data, first, tiles, weights);
        }
    }

    private static void addFloats(Unpacked room, int column, int tiles, Activations in, Activations out, int at) {
        float[] w = room.weights();
        int columns = tiles * TILE;
        int stride = out.stride();
        for (int token = 0; token < in.tokens(); token += 4) {
            int from = token * in.stride() + column * TILE;
            int to = token * stride + at;
            if (in.tokens() - token <= 2) {
                FloatTiles.panel2(w, columns, in.values(), from, in.stride(), out.values(), to, stride);
            } else {
                FloatTiles.panel4(w, columns, in.values(), from, in.stride(), out.values(), to, stride);
            }
        }
    }

    private static void addInt8(Unpacked room, int column, int tiles, Activations in, Activations out, int at) {
        int stride = out.stride();
        for (int token = 0; token < in.tokens(); token += 4) {
            if (in.tokens() - token <= 2) {
                Int8Tiles.panel2(room, column, tiles, in, token, out.values(), token * stride + at, stride);
            } else {
                Int8Tiles.panel4(room, column, tiles, in, token, out.values(), token * stride + at, stride);
            }
        }
    }

    private static void addInt4(Unpacked room, int column, int tiles, Activations in, Activations out, int at) {
        int stride = out.stride();
        for (int token = 0; token < in.tokens(); token += Int4Tiles.PANEL_TOKENS) {
            Int4Tiles.panel6(room, column, tiles, in, token, out.values(), token * stride + at, stride);
        }
    }

    /// The last panel's missing rows are zero times x: not zero where x is not finite, and padding must stay
    /// zero.
    private void clearPadding(Activations out) {
        for (int token = 0; token < out.tokens() + Activations.SPARE; token++) {
            Arrays.fill(out.values(), token * out.stride() + rows(), (token + 1) * out.stride(), 0);
        }
    }

    /// One thread's room for a stretch of a panel that several tokens are multiplied with: as 16-bit codes
    /// with a scale for each row of a tile, or as floats.
    static final class Unpacked {
        /// Tiles unpacked at a time, of 4 KiB as floats: 128 KiB, a part of any processor's second-level
        /// cache, and enough that the sums, which wait in memory between two stretches, cost nothing.
        static final int TILES = 32;

        private final short[] codes = new short[TILES * PackedMatrix.TILE * PackedMatrix.TILE];
        private final float[] scales = new float[TILES * PackedMatrix.TILE];
        private final float[] weights = new float[TILES * PackedMatrix.TILE * PackedMatrix.TILE];

        short[] codes() {
            return codes;
        }

        float[] scales() {
            return scales;
        }

        /// `[columns, 32]`, rows in order.
        float[] weights() {
            return weights;
        }
    }
}
