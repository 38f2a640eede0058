package dev.trimtab.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// A packed matrix multiplied by plain loops. A token's sums run over the columns in order, whatever else is
/// in the batch.
final class ScalarLinear implements LinearOperator {
    private static final int TILE = PackedMatrix.TILE;
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final PackedMatrix matrix;
    private final boolean codesOnly;
    private final ComputePool pool;

    ScalarLinear(PackedMatrix matrix, ActivationPrecision precision, ComputePool pool) {
        this.matrix = matrix;
        this.codesOnly = precision == ActivationPrecision.INT8
                && (matrix.format() == PackedFormat.INT8 || matrix.format() == PackedFormat.INT4);
        this.pool = pool;
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
        if (codesOnly) {
            in.encode(pool);
        }
        pool.run(matrix.panels(), 1, (from, to) -> {
            for (int panel = from; panel < to; panel++) {
                panel(panel, in, out);
            }
        });
    }

    /// A tile is decoded once and multiplied with each token; the sums wait in `sums`, `[tokens, 32]`.
    private void panel(int panel, Activations in, Activations out) {
        float[] weights = new float[TILE * TILE];
        float[] scales = new float[TILE];
        float[] sums = new float[in.tokens() * TILE];
        for (int column = 0; column < matrix.tileColumns(); column++) {
            long tile = panel * matrix.panelBytes() + column * matrix.tileBytes();
            decode(tile, weights, scales);
            for (int token = 0; token < in.tokens(); token++) {
                int start = token * in.stride() + column * TILE;
                if (codesOnly) {
                    multiplyCodes(weights, scales, in, start, sums, token * TILE);
                } else {
                    multiply(weights, scales, in.values(), start, sums, token * TILE);
                }
            }
        }
        int first = panel * TILE;
        int present = Math.min(TILE, matrix.rows() - first);
        for (int token = 0; token < in.tokens(); token++) {
            for (int row = 0; row < present; row++) {
                int lane = matrix.format() == PackedFormat.F32 ? row : PackedMatrix.lane(row);
                out.values()[token * out.stride() + first + row] = sums[token * TILE + lane];
            }
        }
    }

    /// `sums[r] += scale[r] * sum_c weights[c][r] x[c]`
    private static void multiply(float[] weights, float[] scales, float[] x, int start, float[] sums, int offset) {
        float[] products = new float[TILE];
        for (int column = 0; column < TILE; column++) {
            for (int row = 0; row < TILE; row++) {
                products[row] += weights[column * TILE + row] * x[start + column];
            }
        }
        for (int row = 0; row < TILE; row++) {
            sums[offset + row] += products[row] * scales[row];
        }
    }

    /// The same with the activations' codes: the inner sum is of integers, and exact.
    private static void multiplyCodes(
            float[] weights, float[] scales, Activations in, int start, float[] sums, int offset) {
        int[] products = new int[TILE];
        for (int column = 0; column < TILE; column++) {
            int code = (short) in.codes()[start + column];
            for (int row = 0; row < TILE; row++) {
                products[row] += ((int) weights[column * TILE + row]) * code;
            }
        }
        float scale = in.scales()[start / TILE];
        for (int row = 0; row < TILE; row++) {
            sums[offset + row] += products[row] * (scales[row] * scale);
        }
    }

    /// Splits the tile at byte `tile` into codes `[columns, rows]` and scales; weights that are no codes
    /// have scale 1.
    private void decode(long tile, float[] weights, float[] scales) {
        MemorySegment data = matrix.data();
        switch (matrix.format()) {
            case F32 -> MemorySegment.copy(data, FLOAT, tile, weights, 0, weights.length);
            case F16 -> {
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = Float.float16ToFloat(data.get(SHORT, tile + 2L * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = Float.intBitsToFloat(data.get(SHORT, tile + 2L * i) << 16);
                }
            }
            case INT8 -> {
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = data.get(ValueLayout.JAVA_BYTE, tile + i);
                }
            }
            case INT4 -> decodeNibbles(tile, weights);
        }
        if (matrix.format() == PackedFormat.INT8 || matrix.format() == PackedFormat.INT4) {
            long scale = tile + matrix.tileBytes() - 2L * TILE;
            for (int row = 0; row < TILE; row++) {
                scales[row] = Float.float16ToFloat(data.get(SHORT, scale + 2L * row));
            }
        } else {
            Arrays.fill(scales, 1);
        }
    }

    private void decodeNibbles(long tile, float[] weights) {
        for (int line = 0; line < TILE / 4; line++) {
            for (int lane = 0; lane < TILE; lane++) {
                int four = matrix.data().get(SHORT, tile + 2L * (line * TILE + lane));
                for (int i = 0; i < 4; i++) {
                    weights[(4 * line + i) * TILE + lane] = ((four >> (4 * i)) & 15) - 8;
                }
            }
        }
    }
}
