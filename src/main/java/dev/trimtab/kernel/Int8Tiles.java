package dev.trimtab.kernel;

import static dev.trimtab.kernel.Lanes.BYTES;
import static dev.trimtab.kernel.Lanes.F16_BITS;
import static dev.trimtab.kernel.Lanes.F16_SCALE;
import static dev.trimtab.kernel.Lanes.FLOATS;
import static dev.trimtab.kernel.Lanes.FLOAT_LANES;
import static dev.trimtab.kernel.Lanes.INTS;
import static dev.trimtab.kernel.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.Lanes.SHORTS;
import static dev.trimtab.kernel.Lanes.SHORT_LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// INT8 panels times int8 activations. For one token two products are added in 16 bits (2 * 128 * 127 = 32
/// 512) and the pair in 32. For several tokens codes are multiplied as floats: a tile's sum stays under 32 *
/// 128 * 127 < 2^24, so it is exact, equals the integer one bit for bit, and fused multiply-add is the
/// fastest multiplier that Java reaches for 8-bit weights. Either way `y = fma(s, w_scale * x_scale, y)`,
/// tile after tile.
final class Int8Tiles {
    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;
    private static final long TILE_BYTES = PackedMatrix.tileBytes(PackedFormat.INT8);
    private static final long SCALES = TILE_BYTES - 2L * TILE;

    private Int8Tiles() {}

    /// Token `token` of `in` times the panel at byte `panel`: 32 elements to `out[at ..]`.
    static void gemv(MemorySegment data, long panel, int tiles, Activations in, int token, float[] out, int at) {
        int one = Lanes.one(tiles);
        int[] codes = in.codes();
        float[] scales = in.scales();
        int block = token * (in.stride() / TILE);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even = FloatVector.zero(FLOATS);
            FloatVector odd = even;
            for (int b = 0; b < tiles; b++) {
                long tile = panel + b * TILE_BYTES;
                int c = (block + b) * TILE;
                IntVector s = IntVector.zero(INTS);
                IntVector t = s;
                for (int p = 0; p < TILE; p += 2 * one) {
                    long line = tile + (long) p * TILE + g;
                    var left = ByteVector.fromMemorySegment(BYTES, data, line, LITTLE_ENDIAN);
                    var right = ByteVector.fromMemorySegment(BYTES, data, line + TILE, LITTLE_ENDIAN);
                    var x = IntVector.broadcast(INTS, codes[c + p]).reinterpretAsShorts();
                    var y = IntVector.broadcast(INTS, codes[c + p + 1]).reinterpretAsShorts();
                    var product = ((ShortVector) left.convertShape(B2S, SHORTS, 0)).mul(x);
                    var pair = ((ShortVector) right.convertShape(B2S, SHORTS, 0))
                            .mul(y)
                            .add(product)
                            .reinterpretAsInts();
                    s = s.add(pair.lanewise(LSHL, 16).lanewise(ASHR, 16));
                    t = t.add(pair.lanewise(ASHR, 16));
                }
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                float x = scales[block + b];
                even = ((FloatVector) s.convert(I2F, 0)).fma(he.mul(F16_SCALE).mul(x), even);
                odd = ((FloatVector) t.convert(I2F, 0)).fma(ho.mul(F16_SCALE).mul(x), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Two tokens from `token`; token t's elements to `out[at + t * os ..]`.
    static void gemv2(
            MemorySegment data, long panel, int tiles, Activations in, int token, float[] out, int at, int os) {
        int one = Lanes.one(tiles);
        int[] codes = in.codes();
        float[] scales = in.scales();
        int stride = in.stride();
        int n = stride / TILE;
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector e0 = FloatVector.zero(FLOATS);
            FloatVector o0 = e0, e1 = e0, o1 = e0;
            for (int b = 0; b < tiles; b++) {
                long tile = panel + b * TILE_BYTES;
                int d = token * n + b;
                IntVector s0 = IntVector.zero(INTS);
                IntVector t0 = s0, s1 = s0, t1 = s0;
                for (int p = 0; p < TILE; p += 2 * one) {
                    long line = tile + (long) p * TILE + g;
                    int c = d * TILE + p;
                    var bytes = ByteVector.fromMemorySegment(BYTES, data, line, LITTLE_ENDIAN);
                    var left = (ShortVector) bytes.convertShape(B2S, SHORTS, 0);
                    bytes = ByteVector.fromMemorySegment(BYTES, data, line + TILE, LITTLE_ENDIAN);
                    var right = (ShortVector) bytes.convertShape(B2S, SHORTS, 0);
                    var x = IntVector.broadcast(INTS, codes[c]).reinterpretAsShorts();
                    var y = IntVector.broadcast(INTS, codes[c + 1]).reinterpretAsShorts();
                    var pair = left.mul(x).add(right.mul(y)).reinterpretAsInts();
                    s0 = s0.add(pair.lanewise(LSHL, 16).lanewise(ASHR, 16));
                    t0 = t0.add(pair.lanewise(ASHR, 16));
                    x = IntVector.broadcast(INTS, codes[c + stride]).reinterpretAsShorts();
                    y = IntVector.broadcast(INTS, codes[c + stride + 1]).reinterpretAsShorts();
                    pair = left.mul(x).add(right.mul(y)).reinterpretAsInts();
                    s1 = s1.add(pair.lanewise(LSHL, 16).lanewise(ASHR, 16));
                    t1 = t1.add(pair.lanewise(ASHR, 16));
                }
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(F16_BITS)
                        .reinterpretAsFloats()
                        .mul(F16_SCALE);
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_SCALE);
                e0 = ((FloatVector) s0.convert(I2F, 0)).fma(he.mul(scales[d]), e0);
                o0 = ((FloatVector) t0.convert(I2F, 0)).fma(ho.mul(scales[d]), o0);
                e1 = ((FloatVector) s1.convert(I2F, 0)).fma(he.mul(scales[d + n]), e1);
                o1 = ((FloatVector) t1.convert(I2F, 0)).fma(ho.mul(scales[d + n]), o1);
            }
            int e = at + g / 2;
            e0.intoArray(out, e);
            o0.intoArray(out, e + HALF);
            e1.intoArray(out, e + os);
            o1.intoArray(out, e + os + HALF);
        }
    }

    /// Splits `tiles` tiles from byte `first` into codes as floats, `[columns, 32]`, and scales, `[tiles,
    /// 32]`, both in row order.
    static void unpack(MemorySegment data, long first, int tiles, float[] codes, float[] scales) {
        for (int b = 0; b < tiles; b++) {
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                long tile = first + b * TILE_BYTES;
                int line = b * TILE * TILE + g / 2;
                for (int p = 0; p < TILE; p++) {
                    var bytes = ByteVector.fromMemorySegment(BYTES, data, tile + (long) p * TILE + g, LITTLE_ENDIAN);
                    var q = ((ShortVector) bytes.convertShape(B2S, SHORTS, 0)).reinterpretAsInts();
                    ((FloatVector) q.lanewise(LSHL, 16).lanewise(ASHR, 16).convert(I2F, 0))
                            .intoArray(codes, line + p * TILE);
                    ((FloatVector) q.lanewise(ASHR, 16).convert(I2F, 0)).intoArray(codes, line + p * TILE + HALF);
                }
                var h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                var he = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                var ho = h.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats();
                he.mul(F16_SCALE).intoArray(scales, b * TILE + g / 2);
                ho.mul(F16_SCALE).intoArray(scales, b * TILE + HALF + g / 2);
            }
        }
    }

    /// Adds the products of two tokens from `token` with `tiles` unpacked tiles, which stand at tile column
    /// `column` of the matrix, to `out[at + t * os ..]`.
    static void panel2(
            VectorLinear.Unpacked panel,
            int column,
            int tiles,
            Activations in,
            int token,
            float[] out,
            int at,
            int os) {
        float[] w = panel.weights();
        float[] rows = panel.scales();
        float[] codes = in.floatCodes();
        float[] scales = in.scales();
        int st = in.stride();
        int blocks = st / TILE;
        int block = token * blocks + column;
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, at + r);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, at + r + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, at + r + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, at + r + HALF + os);
            for (int b = 0; b < tiles; b++) {
                int d = block + b;
                FloatVector s0 = FloatVector.zero(FLOATS);
                FloatVector t0 = s0, s1 = s0, t1 = s0;
                for (int i = 0; i < TILE; i++) {
                    int line = (b * TILE + i) * TILE + r;
                    FloatVector q = FloatVector.fromArray(FLOATS, w, line);
                    FloatVector u = FloatVector.fromArray(FLOATS, w, line + HALF);
                    FloatVector x0 = FloatVector.broadcast(FLOATS, codes[d * TILE + i]);
                    FloatVector x1 = FloatVector.broadcast(FLOATS, codes[d * TILE + i + st]);
                    s0 = q.fma(x0, s0);
                    t0 = u.fma(x0, t0);
                    s1 = q.fma(x1, s1);
                    t1 = u.fma(x1, t1);
                }
                FloatVector h = FloatVector.fromArray(FLOATS, rows, b * TILE + r);
                FloatVector k = FloatVector.fromArray(FLOATS, rows, b * TILE + r + HALF);
                a0 = s0.fma(h.mul(scales[d]), a0);
                b0 = t0.fma(k.mul(scales[d]), b0);
                a1 = s1.fma(h.mul(scales[d + blocks]), a1);
                b1 = t1.fma(k.mul(scales[d + blocks]), b1);
            }
            a0.intoArray(out, at + r);
            b0.intoArray(out, at + r + HALF);
            a1.intoArray(out, at + r + os);
            b1.intoArray(out, at + r + HALF + os);
        }
    }

    /// Four tokens, as [#panel2].
    static void panel4(
            VectorLinear.Unpacked panel,
            int column,
            int tiles,
            Activations in,
            int token,
            float[] out,
            int at,
            int os) {
        float[] w = panel.weights();
        float[] rows = panel.scales();
        float[] codes = in.floatCodes();
        float[] scales = in.scales();
        int st = in.stride();
        int blocks = st / TILE;
        int block = token * blocks + column;
        for (int r = 0; r < HALF; r += FLOAT_LANES) {
            FloatVector a0 = FloatVector.fromArray(FLOATS, out, at + r);
            FloatVector b0 = FloatVector.fromArray(FLOATS, out, at + r + HALF);
            FloatVector a1 = FloatVector.fromArray(FLOATS, out, at + r + os);
            FloatVector b1 = FloatVector.fromArray(FLOATS, out, at + r + HALF + os);
            FloatVector a2 = FloatVector.fromArray(FLOATS, out, at + r + 2 * os);
            FloatVector b2 = FloatVector.fromArray(FLOATS, out, at + r + HALF + 2 * os);
            FloatVector a3 = FloatVector.fromArray(FLOATS, out, at + r + 3 * os);
            FloatVector b3 = FloatVector.fromArray(FLOATS, out, at + r + HALF + 3 * os);
            for (int b = 0; b < tiles; b++) {
                int d = block + b;
                FloatVector s0 = FloatVector.zero(FLOATS);
                FloatVector t0 = s0, s1 = s0, t1 = s0, s2 = s0, t2 = s0, s3 = s0, t3 = s0;
                for (int i = 0; i < TILE; i++) {
                    int line = (b * TILE + i) * TILE + r;
                    int c = d * TILE + i;
                    FloatVector q = FloatVector.fromArray(FLOATS, w, line);
                    FloatVector u = FloatVector.fromArray(FLOATS, w, line + HALF);
                    FloatVector x = FloatVector.broadcast(FLOATS, codes[c]);
                    s0 = q.fma(x, s0);
                    t0 = u.fma(x, t0);
                    x = FloatVector.broadcast(FLOATS, codes[c + st]);
                    s1 = q.fma(x, s1);
                    t1 = u.fma(x, t1);
                    x = FloatVector.broadcast(FLOATS, codes[c + 2 * st]);
                    s2 = q.fma(x, s2);
                    t2 = u.fma(x, t2);
                    x = FloatVector.broadcast(FLOATS, codes[c + 3 * st]);
                    s3 = q.fma(x, s3);
                    t3 = u.fma(x, t3);
                }
                FloatVector h = FloatVector.fromArray(FLOATS, rows, b * TILE + r);
                FloatVector k = FloatVector.fromArray(FLOATS, rows, b * TILE + r + HALF);
                a0 = s0.fma(h.mul(scales[d]), a0);
                b0 = t0.fma(k.mul(scales[d]), b0);
                a1 = s1.fma(h.mul(scales[d + blocks]), a1);
                b1 = t1.fma(k.mul(scales[d + blocks]), b1);
                a2 = s2.fma(h.mul(scales[d + 2 * blocks]), a2);
                b2 = t2.fma(k.mul(scales[d + 2 * blocks]), b2);
                a3 = s3.fma(h.mul(scales[d + 3 * blocks]), a3);
                b3 = t3.fma(k.mul(scales[d + 3 * blocks]), b3);
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
