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

/// Panels of codes in planes of any width times int8 activations, and what is common to all codes: minima
/// and unpacking. With a low plane of l bits and a high one of h, `q = low + 2^l high`,
///
///     L = sum_c (low_c - 2^(l-1)) x_c,   H = sum_c (high_c - 2^(h-1)) x_c
///     sum_c (q_c - 2^(l+h-1)) x_c = L + 2^l H + 2^(l-1) sum_c x_c
///
/// L and H lie within 16 bits, so they may overflow on the way; the whole is put together in 32. Without
/// a high plane L is all. Then `y = fma(sum, w_scale x_scale, y)`, tile after tile. [NibbleTiles] is for
/// the widths that most models are served in, and faster because it masks no code.
final class PlaneTiles {
    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;
    private static final long LINE_BYTES = 2L * TILE;

    /// [Lanes#F16_SCALE] over 2^16, for codes in even lanes, which are widened as `q << 16`.
    private static final float EVEN_SCALE = F16_SCALE * 0x1p-16f;

    private PlaneTiles() {}

    /// Half the range of a plane: what centres its codes; none for an absent plane.
    static int centre(int bits) {
        return bits == 0 ? 0 : 1 << (bits - 1);
    }

    /// Lines of shorts in a plane of `bits` bits, each of `16 / bits` columns.
    private static int lines(int bits) {
        return bits * TILE / Short.SIZE;
    }

    /// Token `token` of `in` times panel `panel`: 32 elements to `out[at ..]`.
    static void gemv(PackedMatrix matrix, int panel, ActivationCodes in, int token, float[] out, int at) {
        MemorySegment data = matrix.data();
        long tileBytes = matrix.tileBytes();
        int tiles = matrix.tileColumns();
        int lowBits = matrix.format().lowBits();
        int highBits = matrix.format().highBits();
        int lowLines = lines(lowBits);
        int highLines = lines(highBits);
        long scalesAt = matrix.format().scalesOffset();
        int one = Lanes.one(tiles);
        int[] codes = in.codes();
        int[] sums = in.sums();
        float[] scales = in.scales();
        var low = ShortVector.broadcast(SHORTS, (short) lowBits);
        var high = ShortVector.broadcast(SHORTS, (short) highBits);
        var lowMask = ShortVector.broadcast(SHORTS, (short) ((1 << lowBits) - 1));
        var highMask = ShortVector.broadcast(SHORTS, (short) ((1 << highBits) - 1));
        int lowCentre = centre(lowBits);
        int highCentre = centre(highBits);
        int rest = highBits == 0 ? 0 : lowCentre;
        int block = token * tiles;
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even = FloatVector.zero(FLOATS);
            FloatVector odd = even;
            for (int b = 0; b < tiles; b++) {
                long tile = (panel * (long) tiles + b) * tileBytes;
                int d = block + b;
                ShortVector a0 = ShortVector.broadcast(SHORTS, (short) (-lowCentre * sums[d]));
                ShortVector i0 = ShortVector.broadcast(SHORTS, (short) (-highCentre * sums[d]));
                for (int p = 0; p < lowLines; p += one) {
                    long line = tile + p * LINE_BYTES + 2L * g;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                    int end = d * TILE + (p + 1) * (Short.SIZE / lowBits);
                    for (int c = end - Short.SIZE / lowBits; c < end; c += 4 * one) {
                        var x = IntVector.broadcast(INTS, codes[c]).reinterpretAsShorts();
                        a0 = a0.add(v.and(lowMask).mul(x));
                        v = v.lanewise(LSHR, low);
                        x = IntVector.broadcast(INTS, codes[c + 1]).reinterpretAsShorts();
                        a0 = a0.add(v.and(lowMask).mul(x));
                        v = v.lanewise(LSHR, low);
                        x = IntVector.broadcast(INTS, codes[c + 2]).reinterpretAsShorts();
                        a0 = a0.add(v.and(lowMask).mul(x));
                        v = v.lanewise(LSHR, low);
                        x = IntVector.broadcast(INTS, codes[c + 3]).reinterpretAsShorts();
                        a0 = a0.add(v.and(lowMask).mul(x));
                        v = v.lanewise(LSHR, low);
                    }
                }
                for (int p = 0; p < highLines; p += one) {
                    long line = tile + (lowLines + p) * LINE_BYTES + 2L * g;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                    int end = d * TILE + (p + 1) * (Short.SIZE / highBits);
                    for (int c = end - Short.SIZE / highBits; c < end; c += 4 * one) {
                        var x = IntVector.broadcast(INTS, codes[c]).reinterpretAsShorts();
                        i0 = i0.add(v.and(highMask).mul(x));
                        v = v.lanewise(LSHR, high);
                        x = IntVector.broadcast(INTS, codes[c + 1]).reinterpretAsShorts();
                        i0 = i0.add(v.and(highMask).mul(x));
                        v = v.lanewise(LSHR, high);
                        x = IntVector.broadcast(INTS, codes[c + 2]).reinterpretAsShorts();
                        i0 = i0.add(v.and(highMask).mul(x));
                        v = v.lanewise(LSHR, high);
                        x = IntVector.broadcast(INTS, codes[c + 3]).reinterpretAsShorts();
                        i0 = i0.add(v.and(highMask).mul(x));
                        v = v.lanewise(LSHR, high);
                    }
                }
                int m = rest * sums[d];
                var s = a0.reinterpretAsInts();
                var u = i0.reinterpretAsInts();
                var se = s.lanewise(LSHL, 16).lanewise(ASHR, 16).add(m);
                var so = s.lanewise(ASHR, 16).add(m);
                se = se.add(u.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                so = so.add(u.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + scalesAt + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                float k = scales[d];
                even = ((FloatVector) se.convert(I2F, 0)).fma(he.mul(F16_SCALE).mul(k), even);
                odd = ((FloatVector) so.convert(I2F, 0)).fma(ho.mul(F16_SCALE).mul(k), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    /// As [NibbleTiles#sum], over a plane of `bits` bits.
    static void sum(PackedMatrix matrix, long plane, int bits, ActivationCodes in, int block, short[] sums, int to) {
        MemorySegment data = matrix.data();
        long panelBytes = matrix.panelBytes();
        int tiles = matrix.tileColumns();
        int st = tiles * TILE;
        int lines = lines(bits);
        int one = Lanes.one(lines);
        int[] codes = in.codes();
        var width = ShortVector.broadcast(SHORTS, (short) bits);
        var mask = ShortVector.broadcast(SHORTS, (short) ((1 << bits) - 1));
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            ShortVector a0 = ShortVector.broadcast(SHORTS, (short) (-centre(bits) * in.sums()[block]));
            ShortVector a1 = ShortVector.broadcast(SHORTS, (short) (-centre(bits) * in.sums()[block + tiles]));
            ShortVector a2 = ShortVector.broadcast(SHORTS, (short) (-centre(bits) * in.sums()[block + 2 * tiles]));
            ShortVector a3 = ShortVector.broadcast(SHORTS, (short) (-centre(bits) * in.sums()[block + 3 * tiles]));
            ShortVector b0 = a0, b1 = a1, b2 = a2, b3 = a3;
            ShortVector c0 = a0, c1 = a1, c2 = a2, c3 = a3;
            ShortVector d0 = a0, d1 = a1, d2 = a2, d3 = a3;
            for (int p = 0; p < lines; p += one) {
                long line = plane + p * LINE_BYTES + 2L * g;
                var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                var w = ShortVector.fromMemorySegment(SHORTS, data, line + panelBytes, LITTLE_ENDIAN);
                var y = ShortVector.fromMemorySegment(SHORTS, data, line + 2 * panelBytes, LITTLE_ENDIAN);
                var z = ShortVector.fromMemorySegment(SHORTS, data, line + 3 * panelBytes, LITTLE_ENDIAN);
                int end = block * TILE + (p + 1) * (Short.SIZE / bits);
                for (int c = end - Short.SIZE / bits; c < end; c += one) {
                    var qv = v.and(mask);
                    var qw = w.and(mask);
                    var qy = y.and(mask);
                    var qz = z.and(mask);
                    var x = IntVector.broadcast(INTS, codes[c]).reinterpretAsShorts();
                    a0 = a0.add(qv.mul(x));
                    b0 = b0.add(qw.mul(x));
                    c0 = c0.add(qy.mul(x));
                    d0 = d0.add(qz.mul(x));
                    x = IntVector.broadcast(INTS, codes[c + st]).reinterpretAsShorts();
                    a1 = a1.add(qv.mul(x));
                    b1 = b1.add(qw.mul(x));
                    c1 = c1.add(qy.mul(x));
                    d1 = d1.add(qz.mul(x));
                    x = IntVector.broadcast(INTS, codes[c + 2 * st]).reinterpretAsShorts();
                    a2 = a2.add(qv.mul(x));
                    b2 = b2.add(qw.mul(x));
                    c2 = c2.add(qy.mul(x));
                    d2 = d2.add(qz.mul(x));
                    x = IntVector.broadcast(INTS, codes[c + 3 * st]).reinterpretAsShorts();
                    a3 = a3.add(qv.mul(x));
                    b3 = b3.add(qw.mul(x));
                    c3 = c3.add(qy.mul(x));
                    d3 = d3.add(qz.mul(x));
                    v = v.lanewise(LSHR, width);
                    w = w.lanewise(LSHR, width);
                    y = y.lanewise(LSHR, width);
                    z = z.lanewise(LSHR, width);
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

    /// Adds what the minima of an asymmetric panel give for token `token`: with `w = d (q - 2^(n-1)) + (m
    /// + 2^(n-1) d)`, of which the kernels have multiplied the first part,
    ///
    ///     out[at + r] += sum_b (m_br + 2^(n-1) d_br) scale_b sum_b
    static void addMinima(PackedMatrix matrix, int panel, ActivationCodes in, int token, float[] out, int at) {
        MemorySegment data = matrix.data();
        int tiles = matrix.tileColumns();
        int one = Lanes.one(tiles);
        float centre = centre(matrix.format().codeBits());
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even = FloatVector.fromArray(FLOATS, out, at + g / 2);
            FloatVector odd = FloatVector.fromArray(FLOATS, out, at + HALF + g / 2);
            for (int b = 0; b < tiles; b += one) {
                long place = (panel * (long) tiles + b) * matrix.tileBytes()
                        + matrix.format().scalesOffset()
                        + 2L * g;
                var h = ShortVector.fromMemorySegment(SHORTS, data, place, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var m = ShortVector.fromMemorySegment(SHORTS, data, place + LINE_BYTES, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var me = m.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var mo = m.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                float x = in.scales()[token * tiles + b] * in.sums()[token * tiles + b];
                even = he.fma(FloatVector.broadcast(FLOATS, centre), me)
                        .mul(F16_SCALE)
                        .fma(FloatVector.broadcast(FLOATS, x), even);
                odd = ho.fma(FloatVector.broadcast(FLOATS, centre), mo)
                        .mul(F16_SCALE)
                        .fma(FloatVector.broadcast(FLOATS, x), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Decodes `tiles` tiles from byte `first` into `[columns, 32]`, rows in order.
    static void unpack(PackedMatrix matrix, long first, int tiles, float[] weights) {
        MemorySegment data = matrix.data();
        PackedFormat format = matrix.format();
        int lowBits = format.lowBits();
        int highBits = format.highBits();
        int lowColumns = Short.SIZE / lowBits;
        int highColumns = highBits == 0 ? TILE : Short.SIZE / highBits;
        long highAt = first + (highBits == 0 ? 0 : format.highPlaneOffset());
        short lowMask = (short) ((1 << lowBits) - 1);
        short highMask = (short) ((1 << highBits) - 1);
        long minima = format.isAsymmetric() ? LINE_BYTES : 0;
        float keepsMinimum = format.isAsymmetric() ? F16_SCALE : 0;
        short centre = (short) (format.isAsymmetric() ? 0 : centre(format.codeBits()));
        for (int t = 0; t < tiles; t++) {
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                long tile = t * matrix.tileBytes() + 2L * g;
                long place = first + tile + format.scalesOffset();
                var h = ShortVector.fromMemorySegment(SHORTS, data, place, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var m = ShortVector.fromMemorySegment(SHORTS, data, place + minima, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(EVEN_SCALE);
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                var me = m.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(keepsMinimum);
                var mo = m.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(keepsMinimum);
                int to = t * TILE * TILE + g / 2;
                for (int c = 0; c < TILE; c++) {
                    var q = ShortVector.fromMemorySegment(
                                    SHORTS, data, first + tile + c / lowColumns * LINE_BYTES, LITTLE_ENDIAN)
                            .lanewise(LSHR, (long) c % lowColumns * lowBits)
                            .and(lowMask);
                    // Without a high plane the line read is another one of the tile, and masked to nothing.
                    var u = ShortVector.fromMemorySegment(
                                    SHORTS, data, highAt + tile + c / highColumns * LINE_BYTES, LITTLE_ENDIAN)
                            .lanewise(LSHR, (long) c % highColumns * highBits)
                            .and(highMask)
                            .lanewise(LSHL, (long) lowBits);
                    var w = q.add(u).sub(centre).reinterpretAsInts();
                    ((FloatVector) w.lanewise(LSHL, 16).convert(I2F, 0))
                            .fma(he, me)
                            .intoArray(weights, to + c * TILE);
                    ((FloatVector) w.lanewise(ASHR, 16).convert(I2F, 0))
                            .fma(ho, mo)
                            .intoArray(weights, to + c * TILE + HALF);
                }
            }
        }
    }
}
