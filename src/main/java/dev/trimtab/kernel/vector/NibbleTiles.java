package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.F16_BITS;
import static dev.trimtab.kernel.vector.Lanes.F16_SCALE;
import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.INTS;
import static dev.trimtab.kernel.vector.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.vector.Lanes.SHORTS;
import static dev.trimtab.kernel.vector.Lanes.SHORT_LANES;
import static dev.trimtab.kernel.vector.Lanes.UPPER;
import static dev.trimtab.kernel.vector.Lanes.UPPER_SCALE;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.trimtab.kernel.ActivationCodes;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.PackedMatrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// Panels of 4-bit and of 8-bit codes times int8 activations, summed in 16 bits. An 8-bit tile is two
/// planes of 4-bit codes, `q = low + 16 high`, and each plane is summed by itself. For a plane with codes
/// q in 0..15 and activation codes x,
///
///     s = sum_c (q_c - 8) x_c = -8 sum_c x_c + sum_c q_c x_c
///
/// lies within 32 * 8 * 127 = 32 512, so it is right modulo 2^16 whatever the sums before it were. Then,
/// plane after plane and tile after tile,
///
///     y = fma(s + rest sum_c x_c, factor w_scale x_scale, y)
///
/// with rest 0 and factor 1 for 4 bits; for 8 bits, where `w = d (q - 128) = d (low + 16 (high - 8))`,
/// rest 8 and factor 1 for the low plane, 0 and 16 for the high one. It is the same for one token as for
/// many, bit for bit, because s is exact. Java has no multiplication of bytes that adds up in 32 bits;
/// two of shorts are faster than one of ints or floats, whose vectors hold half as many.
///
/// Shorts are shifted by a vector of counts: by a plain count C2 takes the form that reads it from a
/// register, which is slower.
///
/// [Lanes] says why no vector passes through a method here.
final class NibbleTiles {
    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;

    /// Lines of shorts in a plane, each of four columns.
    private static final int LINES = TILE / 4;

    private static final long LINE_BYTES = 2L * TILE;
    private static final long PLANE_BYTES = LINES * LINE_BYTES;

    private NibbleTiles() {}

    /// Whether `format` is made of such planes.
    static boolean takes(PackedFormat format) {
        return format.lowBits() == 4 && (format.highBits() == 4 || format.highBits() == 0);
    }

    /// Token `token` of `in` times panel `panel`: 32 elements to `out[at ..]`.
    static void gemv(PackedMatrix matrix, int panel, ActivationCodes in, int token, float[] out, int at) {
        if (matrix.format().highBits() == 0) {
            gemv4(matrix, panel, in, token, out, at);
        } else {
            gemv8(matrix, panel, in, token, out, at);
        }
    }

    private static void gemv4(PackedMatrix matrix, int panel, ActivationCodes in, int token, float[] out, int at) {
        MemorySegment data = matrix.data();
        int tiles = matrix.tileColumns();
        long scalesAt = matrix.format().scalesOffset();
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        int block = token * tiles;
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        var eight = ShortVector.broadcast(SHORTS, (short) 8);
        var twelve = ShortVector.broadcast(SHORTS, (short) 12);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even = FloatVector.zero(FLOATS);
            FloatVector odd = even;
            for (int d = block; d < block + tiles; d++) {
                long tile = panel * matrix.panelBytes() + (d - block) * matrix.tileBytes() + 2L * g;
                int sum = in.sums()[d];
                ShortVector s = ShortVector.broadcast(SHORTS, (short) (-8 * sum));
                for (int p = 0; p < LINES; p += one) {
                    int i = d * TILE + 4 * p;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, tile + p * LINE_BYTES, LITTLE_ENDIAN);
                    s = s.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    var x = IntVector.broadcast(INTS, factors[i + 1]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, four).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 2]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, eight).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 3]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, twelve).mul(x));
                }
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + scalesAt, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var t = s.reinterpretAsInts();
                float k = in.scales()[d];
                var se = (FloatVector) t.lanewise(LSHL, 16).convert(I2F, 0);
                var so = (FloatVector) t.and(UPPER).convert(I2F, 0);
                even = se.fma(he.mul(UPPER_SCALE).mul(k), even);
                odd = so.fma(ho.mul(UPPER_SCALE).mul(k), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    private static void gemv8(PackedMatrix matrix, int panel, ActivationCodes in, int token, float[] out, int at) {
        MemorySegment data = matrix.data();
        int tiles = matrix.tileColumns();
        long scalesAt = matrix.format().scalesOffset();
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        int block = token * tiles;
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        var eight = ShortVector.broadcast(SHORTS, (short) 8);
        var twelve = ShortVector.broadcast(SHORTS, (short) 12);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even = FloatVector.zero(FLOATS);
            FloatVector odd = even;
            for (int d = block; d < block + tiles; d++) {
                long tile = panel * matrix.panelBytes() + (d - block) * matrix.tileBytes() + 2L * g;
                int sum = in.sums()[d];
                ShortVector s = ShortVector.broadcast(SHORTS, (short) (-8 * sum));
                ShortVector u = s;
                for (int p = 0; p < LINES; p += one) {
                    int i = d * TILE + 4 * p;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, tile + p * LINE_BYTES, LITTLE_ENDIAN);
                    s = s.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    var x = IntVector.broadcast(INTS, factors[i + 1]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, four).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 2]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, eight).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 3]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, twelve).mul(x));
                }
                for (int p = 0; p < LINES; p += one) {
                    int i = d * TILE + 4 * p;
                    var v = ShortVector.fromMemorySegment(
                            SHORTS, data, tile + PLANE_BYTES + p * LINE_BYTES, LITTLE_ENDIAN);
                    u = u.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    var x = IntVector.broadcast(INTS, factors[i + 1]).reinterpretAsShorts();
                    u = u.add(v.lanewise(LSHR, four).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 2]).reinterpretAsShorts();
                    u = u.add(v.lanewise(LSHR, eight).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 3]).reinterpretAsShorts();
                    u = u.add(v.lanewise(LSHR, twelve).mul(x));
                }
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + scalesAt, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var t = s.reinterpretAsInts();
                float k = in.scales()[d];
                var r = u.reinterpretAsInts();
                var se = t.lanewise(LSHL, 16).lanewise(ASHR, 16).add(8 * sum);
                var so = t.lanewise(ASHR, 16).add(8 * sum);
                se = se.add(r.lanewise(LSHL, 16).lanewise(ASHR, 12));
                so = so.add(r.and(UPPER).lanewise(ASHR, 12));
                even = ((FloatVector) se.convert(I2F, 0)).fma(he.mul(F16_SCALE).mul(k), even);
                odd = ((FloatVector) so.convert(I2F, 0)).fma(ho.mul(F16_SCALE).mul(k), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Sums over one plane at byte `plane` of a panel and of the three panels after it, for the tokens of
    /// which the first has block `block` and the others the blocks a token further each; writes [TileSums]
    /// from `to`.
    static void sum(PackedMatrix matrix, long plane, ActivationCodes in, int block, short[] sums, int to) {
        MemorySegment data = matrix.data();
        long panelBytes = matrix.panelBytes();
        int tiles = matrix.tileColumns();
        int st = tiles * TILE;
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            ShortVector a0 = ShortVector.broadcast(SHORTS, (short) (-8 * in.sums()[block]));
            ShortVector a1 = ShortVector.broadcast(SHORTS, (short) (-8 * in.sums()[block + tiles]));
            ShortVector a2 = ShortVector.broadcast(SHORTS, (short) (-8 * in.sums()[block + 2 * tiles]));
            ShortVector a3 = ShortVector.broadcast(SHORTS, (short) (-8 * in.sums()[block + 3 * tiles]));
            ShortVector b0 = a0, b1 = a1, b2 = a2, b3 = a3;
            ShortVector c0 = a0, c1 = a1, c2 = a2, c3 = a3;
            ShortVector d0 = a0, d1 = a1, d2 = a2, d3 = a3;
            for (int p = 0; p < LINES; p += one) {
                long line = plane + p * LINE_BYTES + 2L * g;
                var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                var w = ShortVector.fromMemorySegment(SHORTS, data, line + panelBytes, LITTLE_ENDIAN);
                var y = ShortVector.fromMemorySegment(SHORTS, data, line + 2 * panelBytes, LITTLE_ENDIAN);
                var z = ShortVector.fromMemorySegment(SHORTS, data, line + 3 * panelBytes, LITTLE_ENDIAN);
                int end = block * TILE + 4 * (p + 1);
                for (int c = end - 4; c < end; c += one) {
                    var x = IntVector.broadcast(INTS, factors[c]).reinterpretAsShorts();
                    a0 = a0.add(v.mul(x));
                    b0 = b0.add(w.mul(x));
                    c0 = c0.add(y.mul(x));
                    d0 = d0.add(z.mul(x));
                    x = IntVector.broadcast(INTS, factors[c + st]).reinterpretAsShorts();
                    a1 = a1.add(v.mul(x));
                    b1 = b1.add(w.mul(x));
                    c1 = c1.add(y.mul(x));
                    d1 = d1.add(z.mul(x));
                    x = IntVector.broadcast(INTS, factors[c + 2 * st]).reinterpretAsShorts();
                    a2 = a2.add(v.mul(x));
                    b2 = b2.add(w.mul(x));
                    c2 = c2.add(y.mul(x));
                    d2 = d2.add(z.mul(x));
                    x = IntVector.broadcast(INTS, factors[c + 3 * st]).reinterpretAsShorts();
                    a3 = a3.add(v.mul(x));
                    b3 = b3.add(w.mul(x));
                    c3 = c3.add(y.mul(x));
                    d3 = d3.add(z.mul(x));
                    v = v.lanewise(LSHR, four);
                    w = w.lanewise(LSHR, four);
                    y = y.lanewise(LSHR, four);
                    z = z.lanewise(LSHR, four);
                }
            }
            a0.intoArray(sums, to + g);
            b0.intoArray(sums, to + TILE + g);
            c0.intoArray(sums, to + 2 * TILE + g);
            d0.intoArray(sums, to + 3 * TILE + g);
            a1.intoArray(sums, to + 4 * TILE + g);
            b1.intoArray(sums, to + 5 * TILE + g);
            c1.intoArray(sums, to + 6 * TILE + g);
            d1.intoArray(sums, to + 7 * TILE + g);
            a2.intoArray(sums, to + 8 * TILE + g);
            b2.intoArray(sums, to + 9 * TILE + g);
            c2.intoArray(sums, to + 10 * TILE + g);
            d2.intoArray(sums, to + 11 * TILE + g);
            a3.intoArray(sums, to + 12 * TILE + g);
            b3.intoArray(sums, to + 13 * TILE + g);
            c3.intoArray(sums, to + 14 * TILE + g);
            d3.intoArray(sums, to + 15 * TILE + g);
        }
    }
}
