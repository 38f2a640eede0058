package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.F16_BITS;
import static dev.trimtab.kernel.vector.Lanes.F16_SCALE;
import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.INTS;
import static dev.trimtab.kernel.vector.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.vector.Lanes.SHORTS;
import static dev.trimtab.kernel.vector.Lanes.SHORT_LANES;
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

    static int planes(PackedFormat format) {
        return format.highBits() == 0 ? 1 : 2;
    }

    /// Token `token` of `in` times panel `panel`: 32 elements to `out[at ..]`.
    static void gemv(PackedMatrix matrix, int panel, ActivationCodes in, int token, float[] out, int at) {
        MemorySegment data = matrix.data();
        int tiles = matrix.tileColumns();
        int planes = planes(matrix.format());
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
            for (int n = 0; n < tiles * planes; n++) {
                int b = n / planes;
                long tile = panel * matrix.panelBytes() + b * matrix.tileBytes() + 2L * g;
                long plane = tile + n % planes * PLANE_BYTES;
                int sum = in.sums()[block + b];
                ShortVector s = ShortVector.broadcast(SHORTS, (short) (-8 * sum));
                for (int p = 0; p < LINES; p += one) {
                    int i = (block + b) * TILE + 4 * p;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, plane + p * LINE_BYTES, LITTLE_ENDIAN);
                    s = s.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    var x = IntVector.broadcast(INTS, factors[i + 1]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, four).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 2]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, eight).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 3]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, twelve).mul(x));
                }
                int rest = n % planes < planes - 1 ? 8 * sum : 0;
                float k = in.scales()[block + b] * (n % planes == 0 ? 1 : 16);
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + scalesAt, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var t = s.reinterpretAsInts();
                var se = (FloatVector)
                        t.lanewise(LSHL, 16).lanewise(ASHR, 16).add(rest).convert(I2F, 0);
                var so = (FloatVector) t.lanewise(ASHR, 16).add(rest).convert(I2F, 0);
                even = se.fma(he.mul(F16_SCALE).mul(k), even);
                odd = so.fma(ho.mul(F16_SCALE).mul(k), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Adds the products of the tokens `[from, to)`, an even number of them, with four panels from
    /// `panel` to `out[at + t * os ..]`, 128 elements for token t.
    ///
    /// Two tokens share a shifted line, four panels a broadcast factor. Four panels are also four
    /// streams: out of cache the processor prefetches a bounded way ahead on each, and one stream leaves
    /// half of the memory's speed unused (139 GMAC/s against 196 for four tokens of 4 bits on two Zen 5
    /// cores). Sums wait in `out` between tiles, so that a tile meets all tokens while it is in the
    /// first-level cache.
    static void gemm(
            PackedMatrix matrix,
            int panel,
            ActivationCodes in,
            int from,
            int to,
            float[] out,
            int at,
            int os,
            short[] room) {
        MemorySegment data = matrix.data();
        int tiles = matrix.tileColumns();
        int planes = planes(matrix.format());
        long panelBytes = matrix.panelBytes();
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        int st = tiles * TILE;
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        for (int n = 0; n < tiles * planes; n++) {
            long plane = panel * panelBytes + n / planes * matrix.tileBytes() + n % planes * PLANE_BYTES;
            for (int t = from; t < to; t += 2) {
                int d = t * tiles + n / planes;
                for (int g = 0; g < TILE; g += SHORT_LANES) {
                    ShortVector a0 = ShortVector.broadcast(SHORTS, (short) (-8 * in.sums()[d]));
                    ShortVector a1 = ShortVector.broadcast(SHORTS, (short) (-8 * in.sums()[d + tiles]));
                    ShortVector b0 = a0, c0 = a0, d0 = a0, b1 = a1, c1 = a1, d1 = a1;
                    for (int p = 0; p < LINES; p += one) {
                        int i = d * TILE + 4 * p;
                        long line = plane + p * LINE_BYTES + 2L * g;
                        var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                        var w = ShortVector.fromMemorySegment(SHORTS, data, line + panelBytes, LITTLE_ENDIAN);
                        var y = ShortVector.fromMemorySegment(SHORTS, data, line + 2 * panelBytes, LITTLE_ENDIAN);
                        var z = ShortVector.fromMemorySegment(SHORTS, data, line + 3 * panelBytes, LITTLE_ENDIAN);
                        var x0 = IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts();
                        var x1 = IntVector.broadcast(INTS, factors[i + st]).reinterpretAsShorts();
                        a0 = a0.add(v.mul(x0));
                        a1 = a1.add(v.mul(x1));
                        b0 = b0.add(w.mul(x0));
                        b1 = b1.add(w.mul(x1));
                        c0 = c0.add(y.mul(x0));
                        c1 = c1.add(y.mul(x1));
                        d0 = d0.add(z.mul(x0));
                        d1 = d1.add(z.mul(x1));
                        v = v.lanewise(LSHR, four);
                        w = w.lanewise(LSHR, four);
                        y = y.lanewise(LSHR, four);
                        z = z.lanewise(LSHR, four);
                        x0 = IntVector.broadcast(INTS, factors[i + 1]).reinterpretAsShorts();
                        x1 = IntVector.broadcast(INTS, factors[i + 1 + st]).reinterpretAsShorts();
                        a0 = a0.add(v.mul(x0));
                        a1 = a1.add(v.mul(x1));
                        b0 = b0.add(w.mul(x0));
                        b1 = b1.add(w.mul(x1));
                        c0 = c0.add(y.mul(x0));
                        c1 = c1.add(y.mul(x1));
                        d0 = d0.add(z.mul(x0));
                        d1 = d1.add(z.mul(x1));
                        v = v.lanewise(LSHR, four);
                        w = w.lanewise(LSHR, four);
                        y = y.lanewise(LSHR, four);
                        z = z.lanewise(LSHR, four);
                        x0 = IntVector.broadcast(INTS, factors[i + 2]).reinterpretAsShorts();
                        x1 = IntVector.broadcast(INTS, factors[i + 2 + st]).reinterpretAsShorts();
                        a0 = a0.add(v.mul(x0));
                        a1 = a1.add(v.mul(x1));
                        b0 = b0.add(w.mul(x0));
                        b1 = b1.add(w.mul(x1));
                        c0 = c0.add(y.mul(x0));
                        c1 = c1.add(y.mul(x1));
                        d0 = d0.add(z.mul(x0));
                        d1 = d1.add(z.mul(x1));
                        v = v.lanewise(LSHR, four);
                        w = w.lanewise(LSHR, four);
                        y = y.lanewise(LSHR, four);
                        z = z.lanewise(LSHR, four);
                        x0 = IntVector.broadcast(INTS, factors[i + 3]).reinterpretAsShorts();
                        x1 = IntVector.broadcast(INTS, factors[i + 3 + st]).reinterpretAsShorts();
                        a0 = a0.add(v.mul(x0));
                        a1 = a1.add(v.mul(x1));
                        b0 = b0.add(w.mul(x0));
                        b1 = b1.add(w.mul(x1));
                        c0 = c0.add(y.mul(x0));
                        c1 = c1.add(y.mul(x1));
                        d0 = d0.add(z.mul(x0));
                        d1 = d1.add(z.mul(x1));
                    }
                    a0.intoArray(room, g);
                    b0.intoArray(room, TILE + g);
                    c0.intoArray(room, 2 * TILE + g);
                    d0.intoArray(room, 3 * TILE + g);
                    a1.intoArray(room, 4 * TILE + g);
                    b1.intoArray(room, 5 * TILE + g);
                    c1.intoArray(room, 6 * TILE + g);
                    d1.intoArray(room, 7 * TILE + g);
                }
                TileSums.add(matrix, panel, n, room, in, t, out, at + t * os, os);
            }
        }
    }
}
