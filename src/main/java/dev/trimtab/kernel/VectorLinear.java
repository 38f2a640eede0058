package dev.trimtab.kernel;

import dev.trimtab.error.Internal;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// A packed matrix multiplied by SIMD kernels: one token straight from the packed panel, few tokens too where
/// codes allow, more over stretches of a panel unpacked once.
///
/// Groups of tokens are padded to what a kernel takes; the surplus falls into the spare rows of
/// [Activations].
final class VectorLinear implements LinearOperator {
    /// Up to here INT8 is multiplied as it lies, two tokens at a time; beyond it unpacking pays.
    private static final int DIRECT_INT8_TOKENS = 4;

    /// Activations, in ints, that stay in the second-level cache while panels pass over them.
    private static final int CACHED_ACTIVATIONS = 1 << 16;

    private static final int TILE = PackedMatrix.TILE;

    /// Tokens of the largest kernels.
    private static final int GROUP = 4;

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
        this.directTokens = directTokens(matrix.format(), onCodes);
        this.pool = pool;
        this.unpacked = unpacked;
    }

    private static int directTokens(PackedFormat format, boolean onCodes) {
        return switch (format) {
            case F32, F16, BF16 -> Integer.MAX_VALUE;
            case INT8 -> onCodes ? DIRECT_INT8_TOKENS : 1;
            case INT4 -> onCodes ? Integer.MAX_VALUE : 1;
        };
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
            if (in.tokens() == 1) {
                multiplyOne(from, to, in, out);
            } else if (in.tokens() <= directTokens) {
                multiplyDirectly(from, to, in, out);
            } else {
                multiplyUnpacked(from, to, in, out);
            }
            if (to == matrix.panels()) {
                clearPadding(out);
            }
        });
    }

    private void multiplyOne(int from, int to, Activations in, Activations out) {
        for (int panel = from; panel < to; panel++) {
            multiplyOne(panel, in, 0, out.values(), panel * TILE);
        }
    }

    /// Takes the tokens in stretches, and all panels over each.
    private void multiplyDirectly(int from, int to, Activations in, Activations out) {
        int stretch = Math.max(1, CACHED_ACTIVATIONS / (in.stride() * GROUP)) * GROUP;
        for (int first = 0; first < in.tokens(); first += stretch) {
            int last = Math.min(in.tokens(), first + stretch);
            for (int panel = from; panel < to; panel++) {
                switch (matrix.format()) {
                    case F32, F16, BF16 -> multiplyFloats(panel, first, last, in, out);
                    case INT8 -> multiplyInt8(panel, first, last, in, out);
                    case INT4 -> multiplyInt4(panel, first, last, in, out);
                }
            }
        }
    }

    private void multiplyUnpacked(int from, int to, Activations in, Activations out) {
        for (int panel = from; panel < to; panel++) {
            multiplyMany(panel, in, out);
        }
    }

    private void multiplyOne(int panel, Activations in, int token, float[] out, int at) {
        long first = panel * matrix.panelBytes();
        int tiles = matrix.tileColumns();
        float[] x = in.values();
        int from = token * in.stride();
        switch (matrix.format()) {
            case F32 -> FloatTiles.gemvF32(data, first, tiles, x, from, out, at);
            case F16 -> FloatTiles.gemvF16(data, first, tiles, x, from, out, at);
            case BF16 -> FloatTiles.gemvBf16(data, first, tiles, x, from, out, at);
            case INT8 -> {
                if (onCodes) {
                    Int8Tiles.gemv(data, first, tiles, in, token, out, at);
                } else {
                    FloatTiles.gemvInt8(data, first, tiles, x, from, out, at);
                }
            }
            case INT4 -> {
                if (onCodes) {
                    Int4Tiles.gemv(data, first, tiles, in, token, out, at);
                } else {
                    FloatTiles.gemvInt4(data, first, tiles, x, from, out, at);
                }
            }
        }
    }

    private void multiplyFloats(int panel, int from, int to, Activations in, Activations out) {
        long first = panel * matrix.panelBytes();
        int tiles = matrix.tileColumns();
        float[] x = in.values();
        int st = in.stride();
        int os = out.stride();
        for (int token = from; token < to; token += GROUP) {
            int start = token * st;
            int at = token * os + panel * TILE;
            if (to - token == 1) {
                multiplyOne(panel, in, token, out.values(), at);
                return;
            }
            switch (matrix.format()) {
                case F32 -> FloatTiles.gemv4F32(data, first, tiles, x, start, st, out.values(), at, os);
                case F16 -> FloatTiles.gemv4F16(data, first, tiles, x, start, st, out.values(), at, os);
                case BF16 -> FloatTiles.gemv4Bf16(data, first, tiles, x, start, st, out.values(), at, os);
                case INT8, INT4 -> throw new Internal("packed codes are no floats");
            }
        }
    }

    private void multiplyInt8(int panel, int from, int to, Activations in, Activations out) {
        long first = panel * matrix.panelBytes();
        int stride = out.stride();
        for (int token = from; token < to; token += 2) {
            int at = token * stride + panel * TILE;
            Int8Tiles.gemv2(data, first, matrix.tileColumns(), in, token, out.values(), at, stride);
        }
    }

    private void multiplyInt4(int panel, int from, int to, Activations in, Activations out) {
        long first = panel * matrix.panelBytes();
        int tiles = matrix.tileColumns();
        int stride = out.stride();
        for (int token = from; token < to; token += GROUP) {
            int at = token * stride + panel * TILE;
            switch (to - token) {
                case 1 -> multiplyOne(panel, in, token, out.values(), at);
                case 2 -> Int4Tiles.gemv2(data, first, tiles, in, token, out.values(), at, stride);
                default -> Int4Tiles.gemv4(data, first, tiles, in, token, out.values(), at, stride);
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
            } else {
                Int8Tiles.unpack(data, first, tiles, room.weights(), room.scales());
                addInt8(room, column, tiles, in, out, at);
            }
        }
    }

    private void unpackFloats(long first, int tiles, float[] weights) {
        if (matrix.format() == PackedFormat.INT8) {
            FloatTiles.unpackInt8(data, first, tiles, weights);
        } else {
            FloatTiles.unpackInt4(data, first, tiles, weights);
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

    /// The last panel's missing rows are zero times x: not zero where x is not finite, and padding must stay
    /// zero.
    private void clearPadding(Activations out) {
        for (int token = 0; token < out.tokens() + Activations.SPARE; token++) {
            Arrays.fill(out.values(), token * out.stride() + rows(), (token + 1) * out.stride(), 0);
        }
    }

    /// One thread's room for a stretch of a panel that several tokens are multiplied with: weights as
    /// floats, or codes as floats with a scale for each row of a tile.
    static final class Unpacked {
        /// Tiles unpacked at a time, of 4 KiB as floats: 128 KiB, a part of any processor's second-level
        /// cache, and enough that the sums, which wait in memory between two stretches, cost nothing.
        static final int TILES = 32;

        private final float[] scales = new float[TILES * PackedMatrix.TILE];
        private final float[] weights = new float[TILES * PackedMatrix.TILE * PackedMatrix.TILE];

        float[] scales() {
            return scales;
        }

        /// `[columns, 32]`, rows in order.
        float[] weights() {
            return weights;
        }
    }
}
