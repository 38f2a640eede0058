package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.BYTES;
import static dev.trimtab.kernel.vector.Lanes.F16_BITS;
import static dev.trimtab.kernel.vector.Lanes.F16_SCALE;
import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.vector.Lanes.SHORTS;
import static dev.trimtab.kernel.vector.Lanes.SHORT_LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.trimtab.kernel.sparse.SparsePanels;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/// Panels of sparse lines times the activations as they are: `y = fma(w_i, s_i x_c(i), y)`, line after line. A
/// line of codes shares one scale, which goes into the activation before it is broadcast, so that a code costs
/// its widening and one multiplication. In order and without a sum across lanes, by one token or by four.
final class SparseTiles {
    private static final int PANEL = SparsePanels.PANEL;
    private static final int HALF = PANEL / 2;

    private SparseTiles() {}

    /// One token times a panel of codes: 32 elements to `out[at ..]`; `from` is where the token's values begin
    /// in `x`.
    static void gemvCodes(SparsePanels matrix, int panel, float[] x, int from, float[] out, int at) {
        MemorySegment data = matrix.data();
        int[] columns = matrix.columns();
        float[] scales = matrix.scales();
        int first = matrix.start(panel);
        int last = matrix.start(panel + 1);
        int one = Lanes.one(last - first);
        for (int g = 0; g < PANEL; g += SHORT_LANES) {
            FloatVector a = FloatVector.zero(FLOATS);
            FloatVector b = a;
            for (int i = first; i < last; i += one) {
                long line = (long) i * PANEL + g;
                var w = ByteVector.fromMemorySegment(BYTES, data, line, LITTLE_ENDIAN)
                        .convertShape(B2S, SHORTS, 0)
                        .reinterpretAsInts();
                FloatVector v = FloatVector.broadcast(FLOATS, scales[i] * x[from + columns[i]]);
                var even = w.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(I2F, FLOATS, 0);
                var odd = w.lanewise(ASHR, 16).convertShape(I2F, FLOATS, 0);
                a = v.fma(even, a);
                b = v.fma(odd, b);
            }
            a.intoArray(out, at + g / 2);
            b.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Four tokens, as [#gemvCodes]; token t's values begin at `x[from + t * st]`, its elements go to
    /// `out[at + t * os ..]`.
    static void gemv4Codes(SparsePanels matrix, int panel, float[] x, int from, int st, float[] out, int at, int os) {
        MemorySegment data = matrix.data();
        int[] columns = matrix.columns();
        float[] scales = matrix.scales();
        int first = matrix.start(panel);
        int last = matrix.start(panel + 1);
        int one = Lanes.one(last - first);
        for (int g = 0; g < PANEL; g += SHORT_LANES) {
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
            for (int i = first; i < last; i += one) {
                long line = (long) i * PANEL + g;
                var w = ByteVector.fromMemorySegment(BYTES, data, line, LITTLE_ENDIAN)
                        .convertShape(B2S, SHORTS, 0)
                        .reinterpretAsInts();
                var even = w.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(I2F, FLOATS, 0);
                var odd = w.lanewise(ASHR, 16).convertShape(I2F, FLOATS, 0);
                int c = from + columns[i];
                float s = scales[i];
                var x0 = FloatVector.broadcast(FLOATS, s * x[c]);
                var x1 = FloatVector.broadcast(FLOATS, s * x[c + st]);
                var x2 = FloatVector.broadcast(FLOATS, s * x[c + 2 * st]);
                var x3 = FloatVector.broadcast(FLOATS, s * x[c + 3 * st]);
                a0 = x0.fma(even, a0);
                b0 = x0.fma(odd, b0);
                a1 = x1.fma(even, a1);
                b1 = x1.fma(odd, b1);
                a2 = x2.fma(even, a2);
                b2 = x2.fma(odd, b2);
                a3 = x3.fma(even, a3);
                b3 = x3.fma(odd, b3);
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

    /// One token times a panel of f16, as [#gemvCodes].
    static void gemvHalves(SparsePanels matrix, int panel, float[] x, int from, float[] out, int at) {
        MemorySegment data = matrix.data();
        int[] columns = matrix.columns();
        int first = matrix.start(panel);
        int last = matrix.start(panel + 1);
        int one = Lanes.one(last - first);
        for (int g = 0; g < PANEL; g += SHORT_LANES) {
            FloatVector a = FloatVector.zero(FLOATS);
            FloatVector b = a;
            for (int i = first; i < last; i += one) {
                long line = ((long) i * PANEL + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                FloatVector v = FloatVector.broadcast(FLOATS, x[from + columns[i]]);
                var even = w.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var odd = w.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                a = even.mul(F16_SCALE).fma(v, a);
                b = odd.mul(F16_SCALE).fma(v, b);
            }
            a.intoArray(out, at + g / 2);
            b.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Four tokens times a panel of f16, as [#gemv4Codes].
    static void gemv4Halves(SparsePanels matrix, int panel, float[] x, int from, int st, float[] out, int at, int os) {
        MemorySegment data = matrix.data();
        int[] columns = matrix.columns();
        int first = matrix.start(panel);
        int last = matrix.start(panel + 1);
        int one = Lanes.one(last - first);
        for (int g = 0; g < PANEL; g += SHORT_LANES) {
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
            for (int i = first; i < last; i += one) {
                long line = ((long) i * PANEL + g) * Short.BYTES;
                var w = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var u = w.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(F16_SCALE);
                var v = w.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                int c = from + columns[i];
                var x0 = FloatVector.broadcast(FLOATS, x[c]);
                var x1 = FloatVector.broadcast(FLOATS, x[c + st]);
                var x2 = FloatVector.broadcast(FLOATS, x[c + 2 * st]);
                var x3 = FloatVector.broadcast(FLOATS, x[c + 3 * st]);
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
}
