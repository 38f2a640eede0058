package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.F16_BITS;
import static dev.trimtab.kernel.vector.Lanes.F16_SCALE;
import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.vector.Lanes.SHORTS;
import static dev.trimtab.kernel.vector.Lanes.SHORT_LANES;
import static dev.trimtab.kernel.vector.Lanes.UPPER;
import static dev.trimtab.kernel.vector.Lanes.UPPER_SCALE;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.trimtab.kernel.ActivationCodes;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.PackedMatrix;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/// What a thread's kernels of several tokens have summed: over one tile column, for four panels and four
/// tokens, on its way to the totals, and the totals over the columns before. The sum of token t over panel
/// p stands in the shorts from `(4 t + p) * 32`, that over the high plane [#HIGH] further; the total of
/// token t of a stretch over panel p in the floats from `(4 t + p) * 32`. The numbers are those of the kernels
/// of one token, operation for operation.
///
/// Sums and totals pass through memory because a method that did both would be too large for C2 ([Lanes]);
/// totals lie close together, so that an index and constants find them all: a third of the time had been
/// bounds checks.
final class TileSums {
    static final int PANELS = 4;
    static final int TOKENS = 4;

    /// Tokens of a stretch at most: 16 KiB of totals, a third of a first-level cache.
    static final int STRETCH = 32;

    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;

    /// From a token's sums or totals to the next one's.
    private static final int NEXT = PANELS * TILE;

    /// From the sums over the low planes to those over the high ones.
    private static final int HIGH = TOKENS * NEXT;

    private final short[] sums = new short[2 * HIGH];
    private final float[] totals = new float[STRETCH * NEXT];

    /// Writes the products of the tokens `[from, to)` with four panels from `panel` to `out`. Tokens are taken
    /// by fours: those beyond the last are spare ([Activations#SPARE]) and their totals forgotten.
    ///
    /// Four panels share a broadcast factor, four tokens a shifted line. A tile meets all tokens while it is
    /// in the first-level cache.
    void multiply(PackedMatrix matrix, int panel, ActivationCodes in, int from, int to, Activations out) {
        PackedFormat format = matrix.format();
        boolean nibbles = NibbleTiles.takes(format);
        int tiles = matrix.tileColumns();
        Arrays.fill(totals, 0, Math.ceilDiv(to - from, TOKENS) * HIGH, 0);
        for (int b = 0; b < tiles; b++) {
            long tile = (panel * (long) tiles + b) * matrix.tileBytes();
            for (int token = from; token < to; token += TOKENS) {
                int block = token * tiles + b;
                int total = (token - from) * NEXT;
                sum(matrix, nibbles, tile, format.lowBits(), in, block, 0);
                if (format.highBits() == 0) {
                    add(matrix, tile, in, block, total);
                } else {
                    sum(matrix, nibbles, tile + format.highPlaneOffset(), format.highBits(), in, block, HIGH);
                    addPlanes(matrix, tile, in, block, total);
                }
            }
        }
        for (int token = from; token < to; token++) {
            System.arraycopy(totals, (token - from) * NEXT, out.values(), token * out.stride() + panel * TILE, NEXT);
        }
    }

    private void sum(
            PackedMatrix matrix, boolean nibbles, long plane, int bits, ActivationCodes in, int block, int to) {
        if (nibbles) {
            NibbleTiles.sum(matrix, plane, in, block, sums, to);
        } else {
            PlaneTiles.sum(matrix, plane, bits, in, block, sums, to);
        }
    }

    /// `totals[total + 128 t + 32 p + r] += sum d scale` for the tile at byte `tile` of the first panel.
    private void add(PackedMatrix matrix, long tile, ActivationCodes in, int block, int total) {
        int tiles = matrix.tileColumns();
        float[] scales = in.scales();
        float k0 = scales[block];
        float k1 = scales[block + tiles];
        float k2 = scales[block + 2 * tiles];
        float k3 = scales[block + 3 * tiles];
        for (int p = 0; p < PANELS; p++) {
            long place = tile + p * matrix.panelBytes() + matrix.format().scalesOffset();
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                var h = ShortVector.fromMemorySegment(SHORTS, matrix.data(), place + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var even = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS);
                var odd = h.lanewise(ASHR, 3).and(F16_BITS);
                var he = even.reinterpretAsFloats().mul(UPPER_SCALE);
                var ho = odd.reinterpretAsFloats().mul(UPPER_SCALE);
                int from = p * TILE + g;
                int y = total + p * TILE + g / 2;
                var s = ShortVector.fromArray(SHORTS, sums, from).reinterpretAsInts();
                ((FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0))
                        .fma(he.mul(k0), FloatVector.fromArray(FLOATS, totals, y))
                        .intoArray(totals, y);
                ((FloatVector) s.and(UPPER).convert(I2F, 0))
                        .fma(ho.mul(k0), FloatVector.fromArray(FLOATS, totals, y + HALF))
                        .intoArray(totals, y + HALF);
                s = ShortVector.fromArray(SHORTS, sums, from + NEXT).reinterpretAsInts();
                ((FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0))
                        .fma(he.mul(k1), FloatVector.fromArray(FLOATS, totals, y + NEXT))
                        .intoArray(totals, y + NEXT);
                ((FloatVector) s.and(UPPER).convert(I2F, 0))
                        .fma(ho.mul(k1), FloatVector.fromArray(FLOATS, totals, y + NEXT + HALF))
                        .intoArray(totals, y + NEXT + HALF);
                s = ShortVector.fromArray(SHORTS, sums, from + 2 * NEXT).reinterpretAsInts();
                ((FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0))
                        .fma(he.mul(k2), FloatVector.fromArray(FLOATS, totals, y + 2 * NEXT))
                        .intoArray(totals, y + 2 * NEXT);
                ((FloatVector) s.and(UPPER).convert(I2F, 0))
                        .fma(ho.mul(k2), FloatVector.fromArray(FLOATS, totals, y + 2 * NEXT + HALF))
                        .intoArray(totals, y + 2 * NEXT + HALF);
                s = ShortVector.fromArray(SHORTS, sums, from + 3 * NEXT).reinterpretAsInts();
                ((FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0))
                        .fma(he.mul(k3), FloatVector.fromArray(FLOATS, totals, y + 3 * NEXT))
                        .intoArray(totals, y + 3 * NEXT);
                ((FloatVector) s.and(UPPER).convert(I2F, 0))
                        .fma(ho.mul(k3), FloatVector.fromArray(FLOATS, totals, y + 3 * NEXT + HALF))
                        .intoArray(totals, y + 3 * NEXT + HALF);
            }
        }
    }

    /// The same with sums over two planes, put together as [PlaneTiles] says.
    private void addPlanes(PackedMatrix matrix, long tile, ActivationCodes in, int block, int total) {
        int tiles = matrix.tileColumns();
        int shift = matrix.format().lowBits();
        int centre = PlaneTiles.centre(shift);
        for (int p = 0; p < PANELS; p++) {
            long place = tile + p * matrix.panelBytes() + matrix.format().scalesOffset();
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                var h = ShortVector.fromMemorySegment(SHORTS, matrix.data(), place + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var even = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS);
                var odd = h.lanewise(ASHR, 3).and(F16_BITS);
                var he = even.reinterpretAsFloats().mul(F16_SCALE);
                var ho = odd.reinterpretAsFloats().mul(F16_SCALE);
                int from = p * TILE + g;
                int y = total + p * TILE + g / 2;
                for (int t = 0; t < TOKENS; t++) {
                    int rest = centre * in.sums()[block + t * tiles];
                    float scale = in.scales()[block + t * tiles];
                    var s = ShortVector.fromArray(SHORTS, sums, from + t * NEXT).reinterpretAsInts();
                    var u = ShortVector.fromArray(SHORTS, sums, from + t * NEXT + HIGH)
                            .reinterpretAsInts();
                    var se = s.lanewise(LSHL, 16).lanewise(ASHR, 16).add(rest);
                    var so = s.lanewise(ASHR, 16).add(rest);
                    se = se.add(u.lanewise(LSHL, 16).lanewise(ASHR, 16 - shift));
                    so = so.add(u.and(UPPER).lanewise(ASHR, 16 - shift));
                    int to = y + t * NEXT;
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scale), FloatVector.fromArray(FLOATS, totals, to))
                            .intoArray(totals, to);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(ho.mul(scale), FloatVector.fromArray(FLOATS, totals, to + HALF))
                            .intoArray(totals, to + HALF);
                }
            }
        }
    }
}
