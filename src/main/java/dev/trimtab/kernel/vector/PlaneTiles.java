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
/// a high plane L is all. Then as [Int4Tiles], which with [Int8Tiles] is the same for the widths that
/// most models are served in, faster because no code is masked.
final class PlaneTiles {
    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;
    private static final long LINE_BYTES = 2L * TILE;

    /// [Lanes#F16_SCALE] over 2^16, for codes in even lanes, which are widened as `q << 16`.
    private static final float EVEN_SCALE = F16_SCALE * 0x1p-16f;

    private PlaneTiles() {}

    /// Half the range of a plane: what centres its codes; none for an absent plane.
    private static int centre(int bits) {
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

    /// As [Int4Tiles#gemm].
    static void gemm(
            PackedMatrix matrix, int panel, ActivationCodes in, int from, int to, float[] out, int at, int os) {
        MemorySegment data = matrix.data();
        long tileBytes = matrix.tileBytes();
        int tiles = matrix.tileColumns();
        long panelBytes = tiles * tileBytes;
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
        int st = tiles * TILE;
        for (int b = 0; b < tiles; b++) {
            long tile = panel * panelBytes + b * tileBytes;
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                for (int t = from; t < to; t += 2) {
                    int d = t * tiles + b;
                    ShortVector a0 = ShortVector.broadcast(SHORTS, (short) (-lowCentre * sums[d]));
                    ShortVector i0 = ShortVector.broadcast(SHORTS, (short) (-highCentre * sums[d]));
                    ShortVector b0 = a0, c0 = a0, d0 = a0, j0 = i0, k0 = i0, l0 = i0;
                    ShortVector a1 = ShortVector.broadcast(SHORTS, (short) (-lowCentre * sums[d + tiles]));
                    ShortVector i1 = ShortVector.broadcast(SHORTS, (short) (-highCentre * sums[d + tiles]));
                    ShortVector b1 = a1, c1 = a1, d1 = a1, j1 = i1, k1 = i1, l1 = i1;
                    for (int p = 0; p < lowLines; p += one) {
                        long line = tile + p * LINE_BYTES + 2L * g;
                        var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                        var w = ShortVector.fromMemorySegment(SHORTS, data, line + 1 * panelBytes, LITTLE_ENDIAN);
                        var y = ShortVector.fromMemorySegment(SHORTS, data, line + 2 * panelBytes, LITTLE_ENDIAN);
                        var z = ShortVector.fromMemorySegment(SHORTS, data, line + 3 * panelBytes, LITTLE_ENDIAN);
                        int end = d * TILE + (p + 1) * (Short.SIZE / lowBits);
                        for (int c = end - Short.SIZE / lowBits; c < end; c += one) {
                            var x = IntVector.broadcast(INTS, codes[c]).reinterpretAsShorts();
                            var u = IntVector.broadcast(INTS, codes[c + st]).reinterpretAsShorts();
                            var q = v.and(lowMask);
                            a0 = a0.add(q.mul(x));
                            a1 = a1.add(q.mul(u));
                            v = v.lanewise(LSHR, low);
                            q = w.and(lowMask);
                            b0 = b0.add(q.mul(x));
                            b1 = b1.add(q.mul(u));
                            w = w.lanewise(LSHR, low);
                            q = y.and(lowMask);
                            c0 = c0.add(q.mul(x));
                            c1 = c1.add(q.mul(u));
                            y = y.lanewise(LSHR, low);
                            q = z.and(lowMask);
                            d0 = d0.add(q.mul(x));
                            d1 = d1.add(q.mul(u));
                            z = z.lanewise(LSHR, low);
                        }
                    }
                    for (int p = 0; p < highLines; p += one) {
                        long line = tile + (lowLines + p) * LINE_BYTES + 2L * g;
                        var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                        var w = ShortVector.fromMemorySegment(SHORTS, data, line + 1 * panelBytes, LITTLE_ENDIAN);
                        var y = ShortVector.fromMemorySegment(SHORTS, data, line + 2 * panelBytes, LITTLE_ENDIAN);
                        var z = ShortVector.fromMemorySegment(SHORTS, data, line + 3 * panelBytes, LITTLE_ENDIAN);
                        int end = d * TILE + (p + 1) * (Short.SIZE / highBits);
                        for (int c = end - Short.SIZE / highBits; c < end; c += one) {
                            var x = IntVector.broadcast(INTS, codes[c]).reinterpretAsShorts();
                            var u = IntVector.broadcast(INTS, codes[c + st]).reinterpretAsShorts();
                            var q = v.and(highMask);
                            i0 = i0.add(q.mul(x));
                            i1 = i1.add(q.mul(u));
                            v = v.lanewise(LSHR, high);
                            q = w.and(highMask);
                            j0 = j0.add(q.mul(x));
                            j1 = j1.add(q.mul(u));
                            w = w.lanewise(LSHR, high);
                            q = y.and(highMask);
                            k0 = k0.add(q.mul(x));
                            k1 = k1.add(q.mul(u));
                            y = y.lanewise(LSHR, high);
                            q = z.and(highMask);
                            l0 = l0.add(q.mul(x));
                            l1 = l1.add(q.mul(u));
                            z = z.lanewise(LSHR, high);
                        }
                    }
                    int y0 = at + t * os + g / 2;
                    var h = ShortVector.fromMemorySegment(SHORTS, data, tile + scalesAt + 2L * g, LITTLE_ENDIAN)
                            .reinterpretAsInts();
                    var he = h.lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(F16_BITS)
                            .reinterpretAsFloats()
                            .mul(F16_SCALE);
                    var ho = h.lanewise(ASHR, 3)
                            .and(F16_BITS)
                            .reinterpretAsFloats()
                            .mul(F16_SCALE);
                    int m = rest * sums[d];
                    var s = a0.reinterpretAsInts();
                    var r = i0.reinterpretAsInts();
                    var se = s.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(m)
                            .add(r.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    var so =
                            s.lanewise(ASHR, 16).add(m).add(r.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scales[d]), FloatVector.fromArray(FLOATS, out, y0))
                            .intoArray(out, y0);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(ho.mul(scales[d]), FloatVector.fromArray(FLOATS, out, y0 + HALF))
                            .intoArray(out, y0 + HALF);
                    m = rest * sums[d + tiles];
                    s = a1.reinterpretAsInts();
                    r = i1.reinterpretAsInts();
                    se = s.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(m)
                            .add(r.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    so = s.lanewise(ASHR, 16).add(m).add(r.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scales[d + tiles]), FloatVector.fromArray(FLOATS, out, y0 + os))
                            .intoArray(out, y0 + os);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(ho.mul(scales[d + tiles]), FloatVector.fromArray(FLOATS, out, y0 + os + HALF))
                            .intoArray(out, y0 + os + HALF);
                    h = ShortVector.fromMemorySegment(
                                    SHORTS, data, tile + scalesAt + 2L * g + 1 * panelBytes, LITTLE_ENDIAN)
                            .reinterpretAsInts();
                    he = h.lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(F16_BITS)
                            .reinterpretAsFloats()
                            .mul(F16_SCALE);
                    ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                    m = rest * sums[d];
                    s = b0.reinterpretAsInts();
                    r = j0.reinterpretAsInts();
                    se = s.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(m)
                            .add(r.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    so = s.lanewise(ASHR, 16).add(m).add(r.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scales[d]), FloatVector.fromArray(FLOATS, out, y0 + 1 * TILE))
                            .intoArray(out, y0 + 1 * TILE);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(ho.mul(scales[d]), FloatVector.fromArray(FLOATS, out, y0 + 1 * TILE + HALF))
                            .intoArray(out, y0 + 1 * TILE + HALF);
                    m = rest * sums[d + tiles];
                    s = b1.reinterpretAsInts();
                    r = j1.reinterpretAsInts();
                    se = s.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(m)
                            .add(r.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    so = s.lanewise(ASHR, 16).add(m).add(r.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scales[d + tiles]), FloatVector.fromArray(FLOATS, out, y0 + 1 * TILE + os))
                            .intoArray(out, y0 + 1 * TILE + os);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(
                                    ho.mul(scales[d + tiles]),
                                    FloatVector.fromArray(FLOATS, out, y0 + 1 * TILE + os + HALF))
                            .intoArray(out, y0 + 1 * TILE + os + HALF);
                    h = ShortVector.fromMemorySegment(
                                    SHORTS, data, tile + scalesAt + 2L * g + 2 * panelBytes, LITTLE_ENDIAN)
                            .reinterpretAsInts();
                    he = h.lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(F16_BITS)
                            .reinterpretAsFloats()
                            .mul(F16_SCALE);
                    ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                    m = rest * sums[d];
                    s = c0.reinterpretAsInts();
                    r = k0.reinterpretAsInts();
                    se = s.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(m)
                            .add(r.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    so = s.lanewise(ASHR, 16).add(m).add(r.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scales[d]), FloatVector.fromArray(FLOATS, out, y0 + 2 * TILE))
                            .intoArray(out, y0 + 2 * TILE);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(ho.mul(scales[d]), FloatVector.fromArray(FLOATS, out, y0 + 2 * TILE + HALF))
                            .intoArray(out, y0 + 2 * TILE + HALF);
                    m = rest * sums[d + tiles];
                    s = c1.reinterpretAsInts();
                    r = k1.reinterpretAsInts();
                    se = s.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(m)
                            .add(r.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    so = s.lanewise(ASHR, 16).add(m).add(r.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scales[d + tiles]), FloatVector.fromArray(FLOATS, out, y0 + 2 * TILE + os))
                            .intoArray(out, y0 + 2 * TILE + os);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(
                                    ho.mul(scales[d + tiles]),
                                    FloatVector.fromArray(FLOATS, out, y0 + 2 * TILE + os + HALF))
                            .intoArray(out, y0 + 2 * TILE + os + HALF);
                    h = ShortVector.fromMemorySegment(
                                    SHORTS, data, tile + scalesAt + 2L * g + 3 * panelBytes, LITTLE_ENDIAN)
                            .reinterpretAsInts();
                    he = h.lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(F16_BITS)
                            .reinterpretAsFloats()
                            .mul(F16_SCALE);
                    ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                    m = rest * sums[d];
                    s = d0.reinterpretAsInts();
                    r = l0.reinterpretAsInts();
                    se = s.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(m)
                            .add(r.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    so = s.lanewise(ASHR, 16).add(m).add(r.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scales[d]), FloatVector.fromArray(FLOATS, out, y0 + 3 * TILE))
                            .intoArray(out, y0 + 3 * TILE);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(ho.mul(scales[d]), FloatVector.fromArray(FLOATS, out, y0 + 3 * TILE + HALF))
                            .intoArray(out, y0 + 3 * TILE + HALF);
                    m = rest * sums[d + tiles];
                    s = d1.reinterpretAsInts();
                    r = l1.reinterpretAsInts();
                    se = s.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(m)
                            .add(r.lanewise(LSHL, 16).lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    so = s.lanewise(ASHR, 16).add(m).add(r.lanewise(ASHR, 16).lanewise(LSHL, lowBits));
                    ((FloatVector) se.convert(I2F, 0))
                            .fma(he.mul(scales[d + tiles]), FloatVector.fromArray(FLOATS, out, y0 + 3 * TILE + os))
                            .intoArray(out, y0 + 3 * TILE + os);
                    ((FloatVector) so.convert(I2F, 0))
                            .fma(
                                    ho.mul(scales[d + tiles]),
                                    FloatVector.fromArray(FLOATS, out, y0 + 3 * TILE + os + HALF))
                            .intoArray(out, y0 + 3 * TILE + os + HALF);
                }
            }
        }
    }

    /// Adds what the minima of an asymmetric panel give for token `token`: with `w = d (q - 2^(n-1)) + (m
    /// + 2^(n-1) d)`, of which the kernels have multiplied the first part,
    ///
    ///     out[at + r] += sum_b (m[b][r] + 2^(n-1) d[b][r]) scale[b] sum[b]
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
        long stride = format.lineStride();
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
                                    SHORTS, data, first + tile + c / lowColumns * stride, LITTLE_ENDIAN)
                            .lanewise(LSHR, (long) c % lowColumns * lowBits)
                            .and(lowMask);
                    // Without a high plane the line read is another one of the tile, and masked to nothing.
                    var u = ShortVector.fromMemorySegment(
                                    SHORTS, data, highAt + tile + c / highColumns * stride, LITTLE_ENDIAN)
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
