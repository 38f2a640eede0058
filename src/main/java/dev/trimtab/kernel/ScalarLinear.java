package dev.trimtab.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// A packed matrix multiplied by plain loops. A token's sums run over the columns in order, whatever else is
/// in the batch.
public final class ScalarLinear implements LinearOperator {
    private static final int TILE = PackedMatrix.TILE;
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final PackedMatrix matrix;
    private final boolean codesOnly;
    private final ComputePool pool;

    public ScalarLinear(PackedMatrix matrix, ActivationPrecision precision, ComputePool pool) {
        this.matrix = matrix;
        this.codesOnly =
                precision == ActivationPrecision.INT8 && matrix.format().isCoded();
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
            in.encode(pool, ActivationCodes::encode);
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
        float[] minima = new float[TILE];
        float[] sums = new float[in.tokens() * TILE];
        for (int column = 0; column < matrix.tileColumns(); column++) {
            long tile = panel * matrix.panelBytes() + column * matrix.tileBytes();
            decode(tile, weights, scales, minima);
            for (int token = 0; token < in.tokens(); token++) {
                int start = token * in.stride() + column * TILE;
                if (codesOnly) {
                    multiplyCodes(weights, scales, minima, in.codes(), start, sums, token * TILE);
                } else {
                    multiply(weights, scales, minima, in.values(), start, sums, token * TILE);
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

    /// `sums[r] += scale[r] * sum_c weights[c][r] x[c] + minimum[r] sum_c x[c]`
    private static void multiply(
            float[] weights, float[] scales, float[] minima, float[] x, int start, float[] sums, int offset) {
        float[] products = new float[TILE];
        float sum = 0;
        for (int column = 0; column < TILE; column++) {
            for (int row = 0; row < TILE; row++) {
                products[row] += weights[column * TILE + row] * x[start + column];
            }
            sum += x[start + column];
        }
        for (int row = 0; row < TILE; row++) {
            sums[offset + row] += products[row] * scales[row] + minima[row] * sum;
        }
    }

    /// The same with the activations' codes: the inner sum is of integers, and exact.
    private static void multiplyCodes(
            float[] weights,
            float[] scales,
            float[] minima,
            ActivationCodes codes,
            int start,
            float[] sums,
            int offset) {
        int[] products = new int[TILE];
        for (int column = 0; column < TILE; column++) {
            int code = (short) codes.codes()[start + column];
            for (int row = 0; row < TILE; row++) {
                products[row] += ((int) weights[column * TILE + row]) * code;
            }
        }
        float scale = codes.scales()[start / TILE];
        float sum = scale * codes.sums()[start / TILE];
        for (int row = 0; row < TILE; row++) {
            sums[offset + row] += products[row] * (scales[row] * scale) + minima[row] * sum;
        }
    }

    /// Splits the tile at byte `tile` into codes `[columns, rows]`, scales and minima; symmetric codes are
    /// centred and have minimum 0, weights that are no codes scale 1.
    private void decode(long tile, float[] weights, float[] scales, float[] minima) {
        MemorySegment data = matrix.data();
        Arrays.fill(scales, 1);
        switch (matrix.format()) {
            case F32 -> MemorySegment.copy(data, FLOAT, tile, weights, 0, weights.length);
            case F16 -> {
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = half(tile + 2L * i);
                }
            }
            case BF16 -> {
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = Float.intBitsToFloat(data.get(SHORT, tile + 2L * i) << 16);
                }
            }
            default -> decodeCodes(tile, weights, scales, minima);
        }
    }

    private void decodeCodes(long tile, float[] weights, float[] scales, float[] minima) {
        PackedFormat format = matrix.format();
        int centre = format.isAsymmetric() ? 0 : 1 << (format.codeBits() - 1);
        for (int i = 0; i < weights.length; i++) {
            weights[i] = matrix.code(tile, i / TILE, i % TILE) - centre;
        }
        for (int lane = 0; lane < TILE; lane++) {
            long scale = tile + format.scalesOffset() + 2L * lane;
            scales[lane] = half(scale);
            minima[lane] = format.isAsymmetric() ? half(scale + 2L * TILE) : 0;
        }
    }

    private float half(long at) {
        return Float.float16ToFloat(matrix.data().get(SHORT, at));
    }
}
