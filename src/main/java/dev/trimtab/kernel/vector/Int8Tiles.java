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

/// Panels of 8-bit codes times int8 activations: two planes of 4-bit codes, `q = low + 16 high`, each
/// summed as [Int4Tiles] does, both within 16 bits. With `w = q - 128`,
///
///     sum_c w_c x_c = sum_c (low_c - 8) x_c + 16 sum_c (high_c - 8) x_c + 8 sum_c x_c
///
/// put together in 32 bits, where it is exact. Java has no multiplication of bytes that adds up in 32
/// bits; two of shorts are faster than one of ints or floats, whose vectors hold half as many.
final class Int8Tiles {
    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;
    private static final long SCALES = PackedFormat.INT8.scalesOffset();

    /// Lines of shorts in a plane, each of four columns.
    private static final int LINES = TILE / 4;

    private static final long LINE_BYTES = PackedFormat.INT8.lineStride();

    /// From a line of the low plane to that of the high one.
    private static final long HIGH = PackedFormat.INT8.highPlaneOffset();

    private Int8Tiles() {}

    /// Token `token` of `in` times panel `panel`: 32 elements to `out[at ..]`.
    static void gemv(PackedMatrix matrix, int panel, ActivationCodes in, int token, float[] out, int at) {
        MemorySegment data = matrix.data();
        long tileBytes = matrix.tileBytes();
        int tiles = matrix.tileColumns();
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        int[] sums = in.sums();
        float[] scales = in.scales();
        int block = token * tiles;
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        var eight = ShortVector.broadcast(SHORTS, (short) 8);
        var twelve = ShortVector.broadcast(SHORTS, (short) 12);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even = FloatVector.zero(FLOATS);
            FloatVector odd = even;
            for (int b = 0; b < tiles; b++) {
                long tile = (panel * (long) tiles + b) * tileBytes;
                int c = (block + b) * TILE;
                ShortVector low = ShortVector.broadcast(SHORTS, (short) (-8 * sums[block + b]));
                ShortVector high = low;
                for (int p = 0; p < LINES; p += one) {
                    int i = c + 4 * p;
                    long line = tile + p * LINE_BYTES + 2L * g;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                    var w = ShortVector.fromMemorySegment(SHORTS, data, line + HIGH, LITTLE_ENDIAN);
                    var x = IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts();
                    low = low.add(v.mul(x));
                    high = high.add(w.mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 1]).reinterpretAsShorts();
                    low = low.add(v.lanewise(LSHR, four).mul(x));
                    high = high.add(w.lanewise(LSHR, four).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 2]).reinterpretAsShorts();
                    low = low.add(v.lanewise(LSHR, eight).mul(x));
                    high = high.add(w.lanewise(LSHR, eight).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 3]).reinterpretAsShorts();
                    low = low.add(v.lanewise(LSHR, twelve).mul(x));
                    high = high.add(w.lanewise(LSHR, twelve).mul(x));
                }
                var s = low.reinterpretAsInts();
                var u = high.reinterpretAsInts();
                int m = 8 * sums[block + b];
                var se = s.lanewise(LSHL, 16)
                        .lanewise(ASHR, 16)
                        .add(u.lanewise(LSHL, 16).lanewise(ASHR, 12))
                        .add(m);
                var so = s.lanewise(ASHR, 16)
                        .add(u.lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(m);
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                float k = scales[block + b];
                even = ((FloatVector) se.convert(I2F, 0)).fma(he.mul(F16_SCALE).mul(k), even);
                odd = ((FloatVector) so.convert(I2F, 0)).fma(ho.mul(F16_SCALE).mul(k), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Adds the products of the tokens `[from, to)`, an even number of them, with four panels from
    /// `panel` to `out[at + t * os ..]`, 128 elements for token t. As [Int4Tiles#gemm].
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
        long panelBytes = matrix.panelBytes();
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        int st = tiles * TILE;
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        for (int b = 0; b < tiles; b++) {
            long tile = panel * panelBytes + b * matrix.tileBytes();
            for (int t = from; t < to; t += 2) {
                int d = t * tiles + b;
                for (int g = 0; g < TILE; g += SHORT_LANES) {
                    ShortVector a0 = ShortVector.broadcast(SHORTS, (short) (-8 * in.sums()[d]));
                    ShortVector a1 = ShortVector.broadcast(SHORTS, (short) (-8 * in.sums()[d + tiles]));
                    ShortVector b0 = a0, c0 = a0, d0 = a0, b1 = a1, c1 = a1, d1 = a1;
                    ShortVector i0 = a0, j0 = a0, k0 = a0, l0 = a0, i1 = a1, j1 = a1, k1 = a1, l1 = a1;
                    for (int p = 0; p < LINES; p += one) {
                        long line = tile + p * LINE_BYTES + 2L * g;
                        var v = ShortVector.fromMemorySegment(SHORTS, data, line, LITTLE_ENDIAN);
                        var w = ShortVector.fromMemorySegment(SHORTS, data, line + 1 * panelBytes, LITTLE_ENDIAN);
                        var y = ShortVector.fromMemorySegment(SHORTS, data, line + 2 * panelBytes, LITTLE_ENDIAN);
                        var z = ShortVector.fromMemorySegment(SHORTS, data, line + 3 * panelBytes, LITTLE_ENDIAN);
                        var m = ShortVector.fromMemorySegment(SHORTS, data, line + HIGH, LITTLE_ENDIAN);
                        var n = ShortVector.fromMemorySegment(
                                SHORTS, data, line + 1 * panelBytes + HIGH, LITTLE_ENDIAN);
                        var q = ShortVector.fromMemorySegment(
                                SHORTS, data, line + 2 * panelBytes + HIGH, LITTLE_ENDIAN);
                        var r = ShortVector.fromMemorySegment(
                                SHORTS, data, line + 3 * panelBytes + HIGH, LITTLE_ENDIAN);
                        int end = d * TILE + 4 * p + 4;
                        for (int c = end - 4; c < end; c++) {
                            var x0 = IntVector.broadcast(INTS, factors[c]).reinterpretAsShorts();
                            var x1 = IntVector.broadcast(INTS, factors[c + st]).reinterpretAsShorts();
                            a0 = a0.add(v.mul(x0));
                            a1 = a1.add(v.mul(x1));
                            b0 = b0.add(w.mul(x0));
                            b1 = b1.add(w.mul(x1));
                            c0 = c0.add(y.mul(x0));
                            c1 = c1.add(y.mul(x1));
                            d0 = d0.add(z.mul(x0));
                            d1 = d1.add(z.mul(x1));
                            i0 = i0.add(m.mul(x0));
                            i1 = i1.add(m.mul(x1));
                            j0 = j0.add(n.mul(x0));
                            j1 = j1.add(n.mul(x1));
                            k0 = k0.add(q.mul(x0));
                            k1 = k1.add(q.mul(x1));
                            l0 = l0.add(r.mul(x0));
                            l1 = l1.add(r.mul(x1));
                            v = v.lanewise(LSHR, four);
                            w = w.lanewise(LSHR, four);
                            y = y.lanewise(LSHR, four);
                            z = z.lanewise(LSHR, four);
                            m = m.lanewise(LSHR, four);
                            n = n.lanewise(LSHR, four);
                            q = q.lanewise(LSHR, four);
                            r = r.lanewise(LSHR, four);
                        }
                    }
                    a0.intoArray(room, g);
                    b0.intoArray(room, TILE + g);
                    c0.intoArray(room, 2 * TILE + g);
                    d0.intoArray(room, 3 * TILE + g);
                    a1.intoArray(room, 4 * TILE + g);
                    b1.intoArray(room, 5 * TILE + g);
                    c1.intoArray(room, 6 * TILE + g);
                    d1.intoArray(room, 7 * TILE + g);
                    i0.intoArray(room, TileSums.HIGH + g);
                    j0.intoArray(room, TileSums.HIGH + TILE + g);
                    k0.intoArray(room, TileSums.HIGH + 2 * TILE + g);
                    l0.intoArray(room, TileSums.HIGH + 3 * TILE + g);
                    i1.intoArray(room, TileSums.HIGH + 4 * TILE + g);
                    j1.intoArray(room, TileSums.HIGH + 5 * TILE + g);
                    k1.intoArray(room, TileSums.HIGH + 6 * TILE + g);
                    l1.intoArray(room, TileSums.HIGH + 7 * TILE + g);
                }
                TileSums.addPlanes(matrix, panel, b, room, in, t, out, at + t * os, os);
            }
        }
    }
}
