package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.F16_BITS;
import static dev.trimtab.kernel.vector.Lanes.F16_SCALE;
import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.FLOAT_LANES;
import static dev.trimtab.kernel.vector.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.vector.Lanes.SHORTS;
import static dev.trimtab.kernel.vector.Lanes.SHORT_LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.trimtab.kernel.PackedMatrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/// Panels of floats times the activations as they are: `y = fma(w_c, x_c, y)`, column after column, where w is
/// the weight's exact value. Panels of 16 and 32 bits are read as they lie, by one token or by four; those of
/// codes are unpacked to floats first (a code times its scale needs 19 of f32's 24 bits). The numbers are the
/// same, bit for bit.
final class FloatTiles {
    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;

    /// The upper half of an int.
    private static final int UPPER = 0xffff0000;

    private FloatTiles() {}

    /// One token times the F32 panel at byte `panel`: 32 elements to `out[at ..]`; `from` is where the
    /// token's values begin in `x`.
    static void gemvF32(MemorySegment data, long panel, int tiles, float[] x, int from, float[] out, int at) {
        int one = Lanes.one(tiles);
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            FloatVector a = FloatVector.zero(FLOATS);
            FloatVector b = a;
            for (int c = 0; c < tiles * TILE; c += one) {
                long line = panel + ((long) c * TILE + r) * Float.BYTES;
                FloatVector v = FloatVector.broadcast(FLOATS, x[from + c]);
                a = FloatVector.fromMemorySegment(FLOATS, data, line, LITTLE_ENDIAN)
                        .fma(v, a);
                b = FloatVector.fromMemorySegment(FLOATS, data, line + HALF * Float.BYTES, LITTLE_ENDIAN)
                        .fma(v, b);
            }
            a.intoArray(out, at + r);
            b.intoArray(out, at + r + HALF);
        }
    }

    /// BF16, as [#gemvF32].
    static void gemvBf16(MemorySegment data, long panel, int tiles, float[] x, int from, float[] out, int at) {
        int one = Lanes.one(tiles);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector a = FloatVector.zero(FLOATS);
            FloatVector b = a;
            for (int c = 0; c < tiles * TILE; c += one) {
                long line = panel + ((long) c * TILE + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                FloatVector v = FloatVector.broadcast(FLOATS, x[from + c]);
                a = w.lanewise(LSHL, 16).reinterpretAsFloats().fma(v, a);
                b = w.and(UPPER).reinterpretAsFloats().fma(v, b);
            }
            a.intoArray(out, at + g / 2);
            b.intoArray(out, at + HALF + g / 2);
        }
    }

    /// F16, as [#gemvF32].
    static void gemvF16(MemorySegment data, long panel, int tiles, float[] x, int from, float[] out, int at) {
        int one = Lanes.one(tiles);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector a = FloatVector.zero(FLOATS);
            FloatVector b = a;
            for (int c = 0; c < tiles * TILE; c += one) {
                long line = panel + ((long) c * TILE + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                FloatVector v = FloatVector.broadcast(FLOATS, x[from + c]);
                a = w.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(F16_SCALE)
                        .fma(v, a);
                b = w.lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(F16_SCALE)
                        .fma(v, b);
            }
            a.intoArray(out, at + g / 2);
            b.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Four tokens times an F32 panel; token t's values begin at `x[from + t * st]`, its elements go to
    /// `out[at + t * os ..]`.
    static void gemv4F32(
            MemorySegment data, long panel, int tiles, float[] x, int from, int st, float[] out, int at, int os) {
        int one = Lanes.one(tiles);
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
            for (int c = 0; c < tiles * TILE; c += one) {
                long line = panel + ((long) c * TILE + r) * Float.BYTES;
                var u = FloatVector.fromMemorySegment(FLOATS, data, line, LITTLE_ENDIAN);
                var v = FloatVector.fromMemorySegment(FLOATS, data, line + HALF * Float.BYTES, LITTLE_ENDIAN);
                var x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                var x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                var x2 = FloatVector.broadcast(FLOATS, x[from + c + 2 * st]);
                var x3 = FloatVector.broadcast(FLOATS, x[from + c + 3 * st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
                a2 = u.fma(x2, a2);
                b2 = v.fma(x2, b2);
                a3 = u.fma(x3, a3);
                b3 = v.fma(x3, b3);
            }
            int e = at + r;
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

    /// BF16, as [#gemv4F32].
    static void gemv4Bf16(
            MemorySegment data, long panel, int tiles, float[] x, int from, int st, float[] out, int at, int os) {
        int one = Lanes.one(tiles);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
            for (int c = 0; c < tiles * TILE; c += one) {
                long line = panel + ((long) c * TILE + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var u = w.lanewise(LSHL, 16).reinterpretAsFloats();
                var v = w.and(UPPER).reinterpretAsFloats();
                var x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                var x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                var x2 = FloatVector.broadcast(FLOATS, x[from + c + 2 * st]);
                var x3 = FloatVector.broadcast(FLOATS, x[from + c + 3 * st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
                a2 = u.fma(x2, a2);
                b2 = v.fma(x2, b2);
                a3 = u.fma(x3, a3);
                b3 = v.fma(x3, b3);
            }
            int e = at + g / 2;
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

    /// F16, as [#gemv4F32].
    static void gemv4F16(
            MemorySegment data, long panel, int tiles, float[] x, int from, int st, float[] out, int at, int os) {
        int one = Lanes.one(tiles);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
            for (int c = 0; c < tiles * TILE; c += one) {
                long line = panel + ((long) c * TILE + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var even = w.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var u = even.mul(F16_SCALE);
                var v = w.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                var x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                var x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                var x2 = FloatVector.broadcast(FLOATS, x[from + c + 2 * st]);
                var x3 = FloatVector.broadcast(FLOATS, x[from + c + 3 * st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
                a2 = u.fma(x2, a2);
                b2 = v.fma(x2, b2);
                a3 = u.fma(x3, a3);
                b3 = v.fma(x3, b3);
            }
            int e = at + g / 2;
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

    /// One token, as [#panel2].
    static void panel1(float[] w, int first, int columns, float[] x, int from, float[] out, int at) {
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            FloatVector a = FloatVector.fromArray(FLOATS, out, at + r);
            FloatVector b = FloatVector.fromArray(FLOATS, out, at + r + HALF);
            for (int c = 0; c < columns; c++) {
                FloatVector x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                a = FloatVector.fromArray(FLOATS, w, first + c * TILE + r).fma(x0, a);
                b = FloatVector.fromArray(FLOATS, w, first + c * TILE + r + HALF)
                        .fma(x0, b);
            }
            a.intoArray(out, at + r);
            b.intoArray(out, at + r + HALF);
        }
    }

    /// Adds the products of two tokens with `columns` unpacked columns, which begin at `w[first]`, to `out[at +
    /// t * os ..]`; token t's values begin at `x[from + t * st]`.
    static void panel2(float[] w, int first, int columns, float[] x, int from, int st, float[] out, int at, int os) {
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, at + r);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, at + r + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, at + r + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, at + r + HALF + os);
            for (int c = 0; c < columns; c++) {
                FloatVector u = FloatVector.fromArray(FLOATS, w, first + c * TILE + r);
                FloatVector v = FloatVector.fromArray(FLOATS, w, first + c * TILE + r + HALF);
                FloatVector x0 = FloatVector.broadcast(FLOATS, x[from + c]);
                FloatVector x1 = FloatVector.broadcast(FLOATS, x[from + c + st]);
                a0 = u.fma(x0, a0);
                b0 = v.fma(x0, b0);
                a1 = u.fma(x1, a1);
                b1 = v.fma(x1, b1);
            }
            a0.intoArray(out, at + r);
            b0.intoArray(out, at + r + HALF);
            a1.intoArray(out, at + r + os);
            b1.intoArray(out, at + r + HALF + os);
        }
    }

    /// Four tokens, as [#panel2].
    static void panel4(float[] w, int first, int columns, float[] x, int from, int st, float[] out, int at, int os) {
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, at + r);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, at + r + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, at + r + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, at + r + HALF + os);
            FloatVector a2 = FloatVector.fromArray(FLOATS, out, at + r + 2 * os);
            FloatVector b2 = FloatVector.fromArray(FLOATS, out, at + r + HALF + 2 * os);
            FloatVector a3 = FloatVector.fromArray(FLOATS, out, at + r + 3 * os);
            FloatVector b3 = FloatVector.fromArray(FLOATS, out, at + r + HALF + 3 * os);
            for (int c = 0; c < columns; c++) {
                FloatVector u = FloatVector.fromArray(FLOATS, w, first + c * TILE + r);
                FloatVector v = FloatVector.fromArray(FLOATS, w, first + c * TILE + r + HALF);
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
            a0.intoArray(out, at + r);
            b0.intoArray(out, at + r + HALF);
            a1.intoArray(out, at + r + os);
            b1.intoArray(out, at + r + HALF + os);
            a2.intoArray(out, at + r + 2 * os);
            b2.intoArray(out, at + r + HALF + 2 * os);
            a3.intoArray(out, at + r + 3 * os);
            b3.intoArray(out, at + r + HALF + 3 * os);
        }
    }
}
