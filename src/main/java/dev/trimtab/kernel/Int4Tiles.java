package dev.trimtab.kernel;

import static dev.trimtab.kernel.Lanes.F16_BITS;
import static dev.trimtab.kernel.Lanes.F16_SCALE;
import static dev.trimtab.kernel.Lanes.FLOATS;
import static dev.trimtab.kernel.Lanes.INTS;
import static dev.trimtab.kernel.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.Lanes.SHORTS;
import static dev.trimtab.kernel.Lanes.SHORT_LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// INT4 panels times int8 activations, summed in 16 bits: for a tile, with codes q in 0..15 and activation
/// codes x,
///
///     s = sum_c (q_c - 8) x_c = -8 sum_c x_c + sum_c q_c x_c
///
/// lies within 32 * 8 * 127 = 32 512, so it is right modulo 2^16 whatever the sums before it were. Then `y =
/// fma(s, w_scale * x_scale, y)`, tile after tile: the same for one token as for many, bit for bit, because s
/// is exact. Even lanes of s are widened as `s << 16`, their scales divided by 2^16 to match.
///
/// Shorts are shifted by a vector of counts: by a plain count C2 takes the form that reads it from a
/// register, which is slower.
///
/// [Lanes] says why no vector passes through a method here.
final class Int4Tiles {
    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;
    private static final long TILE_BYTES = PackedMatrix.tileBytes(PackedFormat.INT4);
    private static final long SCALES = TILE_BYTES - 2L * TILE;

    /// Lines of shorts in a tile, each of four columns.
    private static final int LINES = TILE / 4;

    private static final long LINE_BYTES = 2L * TILE;

    /// [Lanes#F16_SCALE] over 2^16.
    private static final float EVEN_SCALE = F16_SCALE * 0x1p-16f;

    private Int4Tiles() {}

    /// Token `token` of `in` times the panel at byte `panel`: 32 elements to `out[at ..]`.
    static void gemv(MemorySegment data, long panel, int tiles, Activations in, int token, float[] out, int at) {
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        int[] sums = in.sums();
        float[] scales = in.scales();
        int block = token * (in.stride() / TILE);
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        var eight = ShortVector.broadcast(SHORTS, (short) 8);
        var twelve = ShortVector.broadcast(SHORTS, (short) 12);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even = FloatVector.zero(FLOATS);
            FloatVector odd = even;
            for (int b = 0; b < tiles; b++) {
                long tile = panel + b * TILE_BYTES;
                int c = (block + b) * TILE;
                ShortVector s = ShortVector.broadcast(SHORTS, (short) (-8 * sums[block + b]));
                for (int p = 0; p < LINES; p += one) {
                    int i = c + 4 * p;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, tile + p * LINE_BYTES + 2L * g, LITTLE_ENDIAN);
                    s = s.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    var x = IntVector.broadcast(INTS, factors[i + 1]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, four).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 2]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, eight).mul(x));
                    x = IntVector.broadcast(INTS, factors[i + 3]).reinterpretAsShorts();
                    s = s.add(v.lanewise(LSHR, twelve).mul(x));
                }
                var sum = s.reinterpretAsInts();
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                float k = scales[block + b];
                even = ((FloatVector) sum.lanewise(LSHL, 16).convert(I2F, 0))
                        .fma(he.mul(EVEN_SCALE).mul(k), even);
                odd = ((FloatVector) sum.lanewise(ASHR, 16).convert(I2F, 0))
                        .fma(ho.mul(F16_SCALE).mul(k), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Two tokens from `token`; token t's elements to `out[at + t * os ..]`.
    static void gemv2(
            MemorySegment data, long panel, int tiles, Activations in, int token, float[] out, int at, int os) {
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        int[] sums = in.sums();
        float[] scales = in.scales();
        int stride = in.stride();
        int blocks = stride / TILE;
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector e0 = FloatVector.zero(FLOATS);
            FloatVector o0 = e0;
            FloatVector e1 = e0;
            FloatVector o1 = e0;
            for (int b = 0; b < tiles; b++) {
                long tile = panel + b * TILE_BYTES;
                int d = token * blocks + b;
                ShortVector s0 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d]));
                ShortVector s1 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d + blocks]));
                for (int p = 0; p < LINES; p += one) {
                    int i = d * TILE + 4 * p;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, tile + p * LINE_BYTES + 2L * g, LITTLE_ENDIAN);
                    s0 = s0.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    s1 = s1.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + stride]).reinterpretAsShorts()));
                    i++;
                    v = v.lanewise(LSHR, four);
                    s0 = s0.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    s1 = s1.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + stride]).reinterpretAsShorts()));
                    i++;
                    v = v.lanewise(LSHR, four);
                    s0 = s0.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    s1 = s1.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + stride]).reinterpretAsShorts()));
                    i++;
                    v = v.lanewise(LSHR, four);
                    s0 = s0.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    s1 = s1.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + stride]).reinterpretAsShorts()));
                }
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(EVEN_SCALE);
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                var i0 = s0.reinterpretAsInts();
                var i1 = s1.reinterpretAsInts();
                e0 = ((FloatVector) i0.lanewise(LSHL, 16).convert(I2F, 0)).fma(he.mul(scales[d]), e0);
                o0 = ((FloatVector) i0.lanewise(ASHR, 16).convert(I2F, 0)).fma(ho.mul(scales[d]), o0);
                e1 = ((FloatVector) i1.lanewise(LSHL, 16).convert(I2F, 0)).fma(he.mul(scales[d + blocks]), e1);
                o1 = ((FloatVector) i1.lanewise(ASHR, 16).convert(I2F, 0)).fma(ho.mul(scales[d + blocks]), o1);
            }
            int e = at + g / 2;
            e0.intoArray(out, e);
            o0.intoArray(out, e + HALF);
            e1.intoArray(out, e + os);
            o1.intoArray(out, e + os + HALF);
        }
    }

    /// Four tokens from `token`, as [#gemv2]. Multiplying packed codes beats unpacking a panel once for all
    /// tokens (77 against 71 GMAC/s on a Zen 4 core): a shift for four multiplications is less than loading a
    /// line. So does it six tokens at a time (75).
    static void gemv4(
            MemorySegment data, long panel, int tiles, Activations in, int token, float[] out, int at, int os) {
        int one = Lanes.one(tiles);
        int[] factors = in.nibbleFactors();
        int[] sums = in.sums();
        float[] scales = in.scales();
        int st = in.stride();
        int n = st / TILE;
        var four = ShortVector.broadcast(SHORTS, (short) 4);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector e0 = FloatVector.zero(FLOATS);
            FloatVector o0 = e0, e1 = e0, o1 = e0, e2 = e0, o2 = e0, e3 = e0, o3 = e0;
            for (int b = 0; b < tiles; b++) {
                long tile = panel + b * TILE_BYTES;
                int d = token * n + b;
                ShortVector s0 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d]));
                ShortVector s1 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d + n]));
                ShortVector s2 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d + 2 * n]));
                ShortVector s3 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d + 3 * n]));
                for (int p = 0; p < LINES; p += one) {
                    int i = d * TILE + 4 * p;
                    var v = ShortVector.fromMemorySegment(SHORTS, data, tile + p * LINE_BYTES + 2L * g, LITTLE_ENDIAN);
                    s0 = s0.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    s1 = s1.add(v.mul(IntVector.broadcast(INTS, factors[i + st]).reinterpretAsShorts()));
                    s2 = s2.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + 2 * st]).reinterpretAsShorts()));
                    s3 = s3.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + 3 * st]).reinterpretAsShorts()));
                    i++;
                    v = v.lanewise(LSHR, four);
                    s0 = s0.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    s1 = s1.add(v.mul(IntVector.broadcast(INTS, factors[i + st]).reinterpretAsShorts()));
                    s2 = s2.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + 2 * st]).reinterpretAsShorts()));
                    s3 = s3.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + 3 * st]).reinterpretAsShorts()));
                    i++;
                    v = v.lanewise(LSHR, four);
                    s0 = s0.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    s1 = s1.add(v.mul(IntVector.broadcast(INTS, factors[i + st]).reinterpretAsShorts()));
                    s2 = s2.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + 2 * st]).reinterpretAsShorts()));
                    s3 = s3.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + 3 * st]).reinterpretAsShorts()));
                    i++;
                    v = v.lanewise(LSHR, four);
                    s0 = s0.add(v.mul(IntVector.broadcast(INTS, factors[i]).reinterpretAsShorts()));
                    s1 = s1.add(v.mul(IntVector.broadcast(INTS, factors[i + st]).reinterpretAsShorts()));
                    s2 = s2.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + 2 * st]).reinterpretAsShorts()));
                    s3 = s3.add(
                            v.mul(IntVector.broadcast(INTS, factors[i + 3 * st]).reinterpretAsShorts()));
                }
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(EVEN_SCALE);
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                var i0 = s0.reinterpretAsInts();
                var i1 = s1.reinterpretAsInts();
                var i2 = s2.reinterpretAsInts();
                var i3 = s3.reinterpretAsInts();
                e0 = ((FloatVector) i0.lanewise(LSHL, 16).convert(I2F, 0)).fma(he.mul(scales[d]), e0);
                o0 = ((FloatVector) i0.lanewise(ASHR, 16).convert(I2F, 0)).fma(ho.mul(scales[d]), o0);
                e1 = ((FloatVector) i1.lanewise(LSHL, 16).convert(I2F, 0)).fma(he.mul(scales[d + n]), e1);
                o1 = ((FloatVector) i1.lanewise(ASHR, 16).convert(I2F, 0)).fma(ho.mul(scales[d + n]), o1);
                e2 = ((FloatVector) i2.lanewise(LSHL, 16).convert(I2F, 0)).fma(he.mul(scales[d + 2 * n]), e2);
                o2 = ((FloatVector) i2.lanewise(ASHR, 16).convert(I2F, 0)).fma(ho.mul(scales[d + 2 * n]), o2);
                e3 = ((FloatVector) i3.lanewise(LSHL, 16).convert(I2F, 0)).fma(he.mul(scales[d + 3 * n]), e3);
                o3 = ((FloatVector) i3.lanewise(ASHR, 16).convert(I2F, 0)).fma(ho.mul(scales[d + 3 * n]), o3);
            }
            int e = at + g / 2;
            e0.intoArray(out, e);
            o0.intoArray(out, e + HALF);
            e1.intoArray(out, e + os);
            o1.intoArray(out, e + os + HALF);
            e2.intoArray(out, e + 2 * os);
            o2.intoArray(out, e + 2 * os + HALF);
            e3.intoArray(out, e + 3 * os);
            o3.intoArray(out, e + 3 * os + HALF);
        }
    }
}
