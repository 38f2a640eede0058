package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.BYTES;
import static dev.trimtab.kernel.vector.Lanes.F16_BITS;
import static dev.trimtab.kernel.vector.Lanes.F16_SCALE;
import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.FLOAT_LANES;
import static dev.trimtab.kernel.vector.Lanes.INTS;
import static dev.trimtab.kernel.vector.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.vector.Lanes.SHORTS;
import static dev.trimtab.kernel.vector.Lanes.SHORT_LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.trimtab.kernel.PackedMatrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// Lines of a KV block times the numbers of four queries: `out[q][lane] = fma(line_c[lane], x[q][c],
/// out[q][lane])`, line after line, in the registers they were loaded to. Keys' lines are elements and lanes
/// are tokens, values' the other way: see [dev.trimtab.kernel.KvLayout]. Query q's numbers begin at `x[from +
/// q * st]`, its 32 sums at `out[at + q * os]`. The twin of each kernel writes the lines' lanes as floats, for
/// [FloatTiles#panel4]: the sums are the same, bit for bit. Codes of Q8 are taken as they are, those of Q4 in
/// units of [#Q4_UNIT]; scales are the caller's.
///
/// Two vectors of lanes for four queries are eight sums, as many as keep the multipliers busy and as
/// registers of every width hold.
final class KvTiles {
    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;

    /// The upper half of an int.
    private static final int UPPER = 0xffff0000;

    /// Q4's codes become floats from the upper four bits of an int, where their sign is: 2^28 times too large,
    /// exactly, and their scales are taken so much smaller.
    static final float Q4_UNIT = 0x1p-28f;

    /// A code of 4 bits there.
    private static final int UPPER_CODE = 0xf0000000;

    /// What an infinite f16 is before [Lanes#F16_SCALE].
    private static final float F16_INFINITE = 0x1p-96f;

    private KvTiles() {}

    /// Lines of F32.
    static void quadF32(
            MemorySegment kv, long tile, int lines, float[] x, int from, int st, float[] out, int at, int os) {
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            int e = at + r;
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, e);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, e + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, e + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, e + HALF + os);
            FloatVector a2 = FloatVector.fromArray(FLOATS, out, e + 2 * os);
            FloatVector b2 = FloatVector.fromArray(FLOATS, out, e + HALF + 2 * os);
            FloatVector a3 = FloatVector.fromArray(FLOATS, out, e + 3 * os);
            FloatVector b3 = FloatVector.fromArray(FLOATS, out, e + HALF + 3 * os);
            for (int c = 0; c < lines; c++) {
                long line = tile + ((long) c * TILE + r) * Float.BYTES;
                var u = FloatVector.fromMemorySegment(FLOATS, kv, line, LITTLE_ENDIAN);
                var v = FloatVector.fromMemorySegment(FLOATS, kv, line + HALF * Float.BYTES, LITTLE_ENDIAN);
                FloatVector x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                FloatVector x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                FloatVector x2 = FloatVector.broadcast(FLOATS, x[from + c + 2 * st]);
                FloatVector x3 = FloatVector.broadcast(FLOATS, x[from + c + 3 * st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
                a2 = u.fma(x2, a2);
                b2 = v.fma(x2, b2);
                a3 = u.fma(x3, a3);
                b3 = v.fma(x3, b3);
            }
            a0.intoArray(out, e);
            b0.intoArray(out, e + HALF);
            a1.intoArray(out, e + os);
            b1.intoArray(out, e + HALF + os);
            a2.intoArray(out, e + 2 * os);
            b2.intoArray(out, e + HALF + 2 * os);
            a3.intoArray(out, e + 3 * os);
            b3.intoArray(out, e + HALF + 3 * os);
        }
    }

    /// Lines of BF16.
    static void quadBf16(
            MemorySegment kv, long tile, int lines, float[] x, int from, int st, float[] out, int at, int os) {
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            int e = at + g / 2;
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, e);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, e + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, e + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, e + HALF + os);
            FloatVector a2 = FloatVector.fromArray(FLOATS, out, e + 2 * os);
            FloatVector b2 = FloatVector.fromArray(FLOATS, out, e + HALF + 2 * os);
            FloatVector a3 = FloatVector.fromArray(FLOATS, out, e + 3 * os);
            FloatVector b3 = FloatVector.fromArray(FLOATS, out, e + HALF + 3 * os);
            for (int c = 0; c < lines; c++) {
                long line = tile + ((long) c * TILE + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, kv, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var u = w.lanewise(LSHL, 16).reinterpretAsFloats();
                var v = w.and(UPPER).reinterpretAsFloats();
                FloatVector x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                FloatVector x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                FloatVector x2 = FloatVector.broadcast(FLOATS, x[from + c + 2 * st]);
                FloatVector x3 = FloatVector.broadcast(FLOATS, x[from + c + 3 * st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
                a2 = u.fma(x2, a2);
                b2 = v.fma(x2, b2);
                a3 = u.fma(x3, a3);
                b3 = v.fma(x3, b3);
            }
            a0.intoArray(out, e);
            b0.intoArray(out, e + HALF);
            a1.intoArray(out, e + os);
            b1.intoArray(out, e + HALF + os);
            a2.intoArray(out, e + 2 * os);
            b2.intoArray(out, e + HALF + 2 * os);
            a3.intoArray(out, e + 3 * os);
            b3.intoArray(out, e + HALF + 3 * os);
        }
    }

    /// Lines of F16.
    static void quadF16(
            MemorySegment kv, long tile, int lines, float[] x, int from, int st, float[] out, int at, int os) {
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            int e = at + g / 2;
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, e);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, e + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, e + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, e + HALF + os);
            FloatVector a2 = FloatVector.fromArray(FLOATS, out, e + 2 * os);
            FloatVector b2 = FloatVector.fromArray(FLOATS, out, e + HALF + 2 * os);
            FloatVector a3 = FloatVector.fromArray(FLOATS, out, e + 3 * os);
            FloatVector b3 = FloatVector.fromArray(FLOATS, out, e + HALF + 3 * os);
            for (int c = 0; c < lines; c++) {
                long line = tile + ((long) c * TILE + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, kv, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var even = w.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var u = even.mul(F16_SCALE);
                var v = w.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                FloatVector x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                FloatVector x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                FloatVector x2 = FloatVector.broadcast(FLOATS, x[from + c + 2 * st]);
                FloatVector x3 = FloatVector.broadcast(FLOATS, x[from + c + 3 * st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
                a2 = u.fma(x2, a2);
                b2 = v.fma(x2, b2);
                a3 = u.fma(x3, a3);
                b3 = v.fma(x3, b3);
            }
            a0.intoArray(out, e);
            b0.intoArray(out, e + HALF);
            a1.intoArray(out, e + os);
            b1.intoArray(out, e + HALF + os);
            a2.intoArray(out, e + 2 * os);
            b2.intoArray(out, e + HALF + 2 * os);
            a3.intoArray(out, e + 3 * os);
            b3.intoArray(out, e + HALF + 3 * os);
        }
    }

    /// Lines of Q8's codes.
    static void quadQ8(
            MemorySegment kv, long tile, int lines, float[] x, int from, int st, float[] out, int at, int os) {
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            int e = at + g / 2;
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, e);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, e + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, e + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, e + HALF + os);
            FloatVector a2 = FloatVector.fromArray(FLOATS, out, e + 2 * os);
            FloatVector b2 = FloatVector.fromArray(FLOATS, out, e + HALF + 2 * os);
            FloatVector a3 = FloatVector.fromArray(FLOATS, out, e + 3 * os);
            FloatVector b3 = FloatVector.fromArray(FLOATS, out, e + HALF + 3 * os);
            for (int c = 0; c < lines; c++) {
                var bytes = ByteVector.fromMemorySegment(BYTES, kv, tile + (long) c * TILE + g, LITTLE_ENDIAN);
                var w = ((ShortVector) bytes.convertShape(B2S, SHORTS, 0)).reinterpretAsInts();
                var u = (FloatVector) w.lanewise(LSHL, 16).lanewise(ASHR, 16).convert(I2F, 0);
                var v = (FloatVector) w.lanewise(ASHR, 16).convert(I2F, 0);
                FloatVector x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                FloatVector x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                FloatVector x2 = FloatVector.broadcast(FLOATS, x[from + c + 2 * st]);
                FloatVector x3 = FloatVector.broadcast(FLOATS, x[from + c + 3 * st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
                a2 = u.fma(x2, a2);
                b2 = v.fma(x2, b2);
                a3 = u.fma(x3, a3);
                b3 = v.fma(x3, b3);
            }
            a0.intoArray(out, e);
            b0.intoArray(out, e + HALF);
            a1.intoArray(out, e + os);
            b1.intoArray(out, e + HALF + os);
            a2.intoArray(out, e + 2 * os);
            b2.intoArray(out, e + HALF + 2 * os);
            a3.intoArray(out, e + 3 * os);
            b3.intoArray(out, e + HALF + 3 * os);
        }
    }

    /// Lines of Q4's codes. An int holds a byte of each of four lines, and is loaded from where the one in question is
    /// its lowest:
    /// after the last line's that reaches three bytes into the scales.
    static void quadQ4(
            MemorySegment kv, long tile, int lines, float[] x, int from, int st, float[] out, int at, int os) {
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            int e = at + r;
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, e);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, e + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, e + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, e + HALF + os);
            FloatVector a2 = FloatVector.fromArray(FLOATS, out, e + 2 * os);
            FloatVector b2 = FloatVector.fromArray(FLOATS, out, e + HALF + 2 * os);
            FloatVector a3 = FloatVector.fromArray(FLOATS, out, e + 3 * os);
            FloatVector b3 = FloatVector.fromArray(FLOATS, out, e + HALF + 3 * os);
            for (int c = 0; c < lines; c++) {
                long line = tile + 4L * (c / 4 * HALF + r) + c % 4;
                var w = IntVector.fromMemorySegment(INTS, kv, line, LITTLE_ENDIAN);
                var u = (FloatVector) w.lanewise(LSHL, 28).convert(I2F, 0);
                var v = (FloatVector) w.lanewise(LSHL, 24).and(UPPER_CODE).convert(I2F, 0);
                FloatVector x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                FloatVector x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                FloatVector x2 = FloatVector.broadcast(FLOATS, x[from + c + 2 * st]);
                FloatVector x3 = FloatVector.broadcast(FLOATS, x[from + c + 3 * st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
                a2 = u.fma(x2, a2);
                b2 = v.fma(x2, b2);
                a3 = u.fma(x3, a3);
                b3 = v.fma(x3, b3);
            }
            a0.intoArray(out, e);
            b0.intoArray(out, e + HALF);
            a1.intoArray(out, e + os);
            b1.intoArray(out, e + HALF + os);
            a2.intoArray(out, e + 2 * os);
            b2.intoArray(out, e + HALF + 2 * os);
            a3.intoArray(out, e + 3 * os);
            b3.intoArray(out, e + HALF + 3 * os);
        }
    }

    /// `out[at + i] = unit scale_i` of the 32 scales in the line of F16 at byte `line`; what is not finite
    /// becomes NaN.
    static void scales(MemorySegment kv, long line, float unit, float[] out, int at) {
        float factor = F16_SCALE * unit;
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            var w = ShortVector.fromMemorySegment(SHORTS, kv, line + (long) g * Short.BYTES, LITTLE_ENDIAN)
                    .reinterpretAsInts();
            var even = w.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
            var odd = w.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
            var u = even.mul(factor).blend(Float.NaN, even.abs().compare(GE, F16_INFINITE));
            var v = odd.mul(factor).blend(Float.NaN, odd.abs().compare(GE, F16_INFINITE));
            u.intoArray(out, at + g / 2);
            v.intoArray(out, at + HALF + g / 2);
        }
    }

    /// `lines` lines to `wide[at ..]`.
    static void widenF32(MemorySegment kv, long tile, int lines, float[] wide, int at) {
        for (int c = 0; c < lines; c++) {
            for (int r = 0; r < HALF; r += FLOAT_LANES) {
                long line = tile + ((long) c * TILE + r) * Float.BYTES;
                var u = FloatVector.fromMemorySegment(FLOATS, kv, line, LITTLE_ENDIAN);
                var v = FloatVector.fromMemorySegment(FLOATS, kv, line + HALF * Float.BYTES, LITTLE_ENDIAN);
                u.intoArray(wide, at + c * TILE + r);
                v.intoArray(wide, at + c * TILE + HALF + r);
            }
        }
    }

    /// `lines` lines to `wide[at ..]`.
    static void widenBf16(MemorySegment kv, long tile, int lines, float[] wide, int at) {
        for (int c = 0; c < lines; c++) {
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                long line = tile + ((long) c * TILE + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, kv, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var u = w.lanewise(LSHL, 16).reinterpretAsFloats();
                var v = w.and(UPPER).reinterpretAsFloats();
                u.intoArray(wide, at + c * TILE + g / 2);
                v.intoArray(wide, at + c * TILE + HALF + g / 2);
            }
        }
    }

    /// `lines` lines to `wide[at ..]`.
    static void widenF16(MemorySegment kv, long tile, int lines, float[] wide, int at) {
        for (int c = 0; c < lines; c++) {
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                long line = tile + ((long) c * TILE + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, kv, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var even = w.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var u = even.mul(F16_SCALE);
                var v = w.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                u.intoArray(wide, at + c * TILE + g / 2);
                v.intoArray(wide, at + c * TILE + HALF + g / 2);
            }
        }
    }

    /// `lines` lines to `wide[at ..]`.
    static void widenQ8(MemorySegment kv, long tile, int lines, float[] wide, int at) {
        for (int c = 0; c < lines; c++) {
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                var bytes = ByteVector.fromMemorySegment(BYTES, kv, tile + (long) c * TILE + g, LITTLE_ENDIAN);
                var w = ((ShortVector) bytes.convertShape(B2S, SHORTS, 0)).reinterpretAsInts();
                var u = (FloatVector) w.lanewise(LSHL, 16).lanewise(ASHR, 16).convert(I2F, 0);
                var v = (FloatVector) w.lanewise(ASHR, 16).convert(I2F, 0);
                u.intoArray(wide, at + c * TILE + g / 2);
                v.intoArray(wide, at + c * TILE + HALF + g / 2);
            }
        }
    }

    /// `lines` lines to `wide[at ..]`.
    static void widenQ4(MemorySegment kv, long tile, int lines, float[] wide, int at) {
        for (int c = 0; c < lines; c++) {
            for (int r = 0; r < HALF; r += FLOAT_LANES) {
                long line = tile + 4L * (c / 4 * HALF + r) + c % 4;
                var w = IntVector.fromMemorySegment(INTS, kv, line, LITTLE_ENDIAN);
                var u = (FloatVector) w.lanewise(LSHL, 28).convert(I2F, 0);
                var v = (FloatVector) w.lanewise(LSHL, 24).and(UPPER_CODE).convert(I2F, 0);
                u.intoArray(wide, at + c * TILE + r);
                v.intoArray(wide, at + c * TILE + HALF + r);
            }
        }
    }
}
