package dev.trimtab.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// A packed matrix multiplied by SIMD kernels: one token straight from the packed panel, few tokens too where
/// codes allow, more over stretches of a panel unpacked once.
///
/// Groups of tokens are padded to what a kernel takes; the surplus falls into the spare rows of
/// [Activations].
final class VectorLinear implements LinearOperator {
    /// Up to here INT4 multiplies packed codes, four tokens at a time; beyond it unpacking pays.
    private static final int DIRECT_TOKENS_MAX = 8;

    private static final int TILE = PackedMatrix.TILE;

    private final PackedMatrix matrix;
    private final MemorySegment data;
    private final boolean onCodes;
    private final ComputePool pool;
    private final Unpacked[] unpacked;

    /// `unpacked` holds room for each thread of the pool.
    VectorLinear(PackedMatrix matrix, ActivationPrecision precision, ComputePool pool, Unpacked[] unpacked) {
        this.matrix = matrix;
        this.data = matrix.data();
        this.onCodes = precision == ActivationPrecision.INT8
                && (matrix.format() == PackedFormat.INT8 || matrix.format() == PackedFormat.INT4);
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
        pool.run(matrix.panels(), 1, (from, to) -> {
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
        } else if (onCodes && matrix.format() == PackedFormat.INT4 && in.tokens() <= DIRECT_TOKENS_MAX) {
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
        for (int token = 0; token < tokens; token += 4) {
            int at = token * stride + panel * TILE;
            if (tokens - token <= 2) {
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
}
