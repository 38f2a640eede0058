package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.F16_BITS;
import static dev.trimtab.kernel.vector.Lanes.F16_SCALE;
import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.vector.Lanes.SHORTS;
import static dev.trimtab.kernel.vector.Lanes.SHORT_LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.trimtab.kernel.ActivationCodes;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.PackedMatrix;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/// What a kernel of several tokens has summed over one tile column, for four panels and two tokens, on
/// its way to the output: the sum of token t over panel p stands in the shorts from `(4 t + p) * 32`,
/// that over the high plane [#HIGH] further. The numbers are those of the kernels of one token, operation
/// for operation.
final class TileSums {
    static final int PANELS = 4;
    static final int TOKENS = 2;

    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;

    /// From the sums over the low planes to those over the high ones.
    static final int HIGH = PANELS * TOKENS * TILE;

    private TileSums() {}

    /// Room of one thread.
    static short[] room() {
        return new short[2 * HIGH];
    }

    /// `out[at + t * os + 32 p + r] += (sum + rest sum_c x_c) d factor scale`, rest and factor as
    /// [NibbleTiles] says, for plane `n` of the panels from `panel`, counted from their first, and the
    /// tokens from `token`.
    static void add(
            PackedMatrix matrix,
            int panel,
            int n,
            short[] sums,
            ActivationCodes in,
            int token,
            float[] out,
            int at,
            int os) {
        int tiles = matrix.tileColumns();
        int planes = NibbleTiles.planes(matrix.format());
        int b = n / planes;
        int rest = n % planes < planes - 1 ? 8 : 0;
        float factor = n % planes == 0 ? 1 : 16;
        for (int p = 0; p < PANELS; p++) {
            long tile = ((panel + p) * (long) tiles + b) * matrix.tileBytes();
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                long place = tile + matrix.format().scalesOffset() + 2L * g;
                var h = ShortVector.fromMemorySegment(SHORTS, matrix.data(), place, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var even = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS);
                var odd = h.lanewise(ASHR, 3).and(F16_BITS);
                var he = even.reinterpretAsFloats().mul(F16_SCALE);
                var ho = odd.reinterpretAsFloats().mul(F16_SCALE);
                for (int t = 0; t < TOKENS; t++) {
                    int block = (token + t) * tiles + b;
                    float scale = factor * in.scales()[block];
                    int m = rest * in.sums()[block];
                    int y = at + t * os + p * TILE + g / 2;
                    var s = ShortVector.fromArray(SHORTS, sums, (t * PANELS + p) * TILE + g)
                            .reinterpretAsInts();
                    var se = s.lanewise(LSHL, 16).lanewise(ASHR, 16).add(m);
                    var so = s.lanewise(ASHR, 16).add(m);
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scale), FloatVector.fromArray(FLOATS, out, y))
                            .intoArray(out, y);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(ho.mul(scale), FloatVector.fromArray(FLOATS, out, y + HALF))
                            .intoArray(out, y + HALF);
                }
            }
        }
    }

    /// The same with sums over two planes, put together as [PlaneTiles] says.
    static void addPlanes(
            PackedMatrix matrix,
            int panel,
            int b,
            short[] sums,
            ActivationCodes in,
            int token,
            float[] out,
            int at,
            int os) {
        PackedFormat format = matrix.format();
        int tiles = matrix.tileColumns();
        int shift = format.lowBits();
        for (int p = 0; p < PANELS; p++) {
            long tile = ((panel + p) * (long) tiles + b) * matrix.tileBytes();
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                long place = tile + format.scalesOffset() + 2L * g;
                var h = ShortVector.fromMemorySegment(SHORTS, matrix.data(), place, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var even = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS);
                var odd = h.lanewise(ASHR, 3).and(F16_BITS);
                var he = even.reinterpretAsFloats().mul(F16_SCALE);
                var ho = odd.reinterpretAsFloats().mul(F16_SCALE);
                for (int t = 0; t < TOKENS; t++) {
                    int block = (token + t) * tiles + b;
                    int rest = PlaneTiles.centre(shift) * in.sums()[block];
                    int from = (t * PANELS + p) * TILE + g;
                    int y = at + t * os + p * TILE + g / 2;
                    var s = ShortVector.fromArray(SHORTS, sums, from).reinterpretAsInts();
                    var u = ShortVector.fromArray(SHORTS, sums, from + HIGH).reinterpretAsInts();
                    var se = s.lanewise(LSHL, 16).lanewise(ASHR, 16).add(rest);
                    var so = s.lanewise(ASHR, 16).add(rest);
                    se = se.add(u.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, shift));
                    so = so.add(u.lanewise(ASHR, 16).lanewise(LSHL, shift));
                    float scale = in.scales()[block];
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scale), FloatVector.fromArray(FLOATS, out, y))
                            .intoArray(out, y);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(ho.mul(scale), FloatVector.fromArray(FLOATS, out, y + HALF))
                            .intoArray(out, y + HALF);
                }
            }
        }
    }
}
