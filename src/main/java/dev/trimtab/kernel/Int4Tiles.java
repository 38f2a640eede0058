package dev.trimtab.kernel;

import static dev.trimtab.kernel.Lanes.BYTES;
import static dev.trimtab.kernel.Lanes.FLOATS;
import static dev.trimtab.kernel.Lanes.INTS;
import static dev.trimtab.kernel.Lanes.LITTLE_ENDIAN;
import static dev.trimtab.kernel.Lanes.SHORTS;
import static dev.trimtab.kernel.Lanes.SHORT_LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2S;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
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
/// is exact.
///
/// Every method is flat and small on purpose. C2 stops inlining when a method has grown to about 18,000 nodes
/// (NodeCountInliningCutoff), some 60 vector operations; one operation that is not inlined boxes its vectors
/// and the kernel runs 20 to 70 times slower. Six tokens at a time is what fits both that and 32 registers.
final class Int4Tiles {
    /// Tokens of [#panel6].
    static final int PANEL_TOKENS = 6;

    private static final int TILE = PackedMatrix.TILE;
    private static final int HALF = TILE / 2;
    private static final long TILE_BYTES = PackedMatrix.tileBytes(PackedFormat.INT4);
    private static final long SCALES = TILE_BYTES - 2L * TILE;
    private static final short LOW = 15;

    /// What an f16's bits, moved to where an f32 has them, must be multiplied with: the exponents' biases
    /// differ by
    /// 112. Right for subnormals too.
    private static final float F16_BIAS = 0x1p112f;

    /// Sign, exponent and mantissa of an f16 after the move.
    private static final int F16_BITS = 0x8fffe000;

    private Int4Tiles() {}

    /// Token `token` of `in` times the panel at byte `panel`: 32 elements to `out[at ..]`.
    static void gemv(MemorySegment data, long panel, int tiles, Activations in, int token, float[] out, int at) {
        int[] codes = in.codes();
        int[] sums = in.sums();
        float[] scales = in.scales();
        int block = token * (in.stride() / TILE);
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even = FloatVector.zero(FLOATS);
            FloatVector odd = even;
            for (int b = 0; b < tiles; b++) {
                long tile = panel + b * TILE_BYTES;
                int c = (block + b) * TILE;
                ShortVector s = ShortVector.broadcast(SHORTS, (short) (-8 * sums[block + b]));
                ShortVector t = ShortVector.zero(SHORTS);
                for (int p = 0; p < HALF; p++) {
                    ShortVector q = line(data, tile + (long) p * TILE + g);
                    s = s.add(q.and(LOW).mul(code(codes, c + 2 * p)));
                    t = t.add(q.lanewise(LSHR, 4).mul(code(codes, c + 2 * p + 1)));
                }
                IntVector sum = s.add(t).reinterpretAsInts();
                IntVector h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                float x = scales[block + b];
                even = evens(sum).fma(evenScales(h).mul(x), even);
                odd = odds(sum).fma(oddScales(h).mul(x), odd);
            }
            even.intoArray(out, at + g / 2);
            odd.intoArray(out, at + HALF + g / 2);
        }
    }

    /// Two tokens from `token`; token t's elements to `out[at + t * outStride ..]`.
    static void gemv2(
            MemorySegment data, long panel, int tiles, Activations in, int token, float[] out, int at, int outStride) {
        int[] codes = in.codes();
        int[] sums = in.sums();
        float[] scales = in.scales();
        int blocks = in.stride() / TILE;
        int stride = in.stride();
        int block = token * blocks;
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even0 = FloatVector.zero(FLOATS);
            FloatVector odd0 = even0;
            FloatVector even1 = even0;
            FloatVector odd1 = even0;
            for (int b = 0; b < tiles; b++) {
                long tile = panel + b * TILE_BYTES;
                int c = (block + b) * TILE;
                ShortVector s0 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[block + b]));
                ShortVector s1 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[block + blocks + b]));
                for (int p = 0; p < HALF; p++) {
                    int i = c + 2 * p;
                    ShortVector q = line(data, tile + (long) p * TILE + g);
                    ShortVector low = q.and(LOW);
                    ShortVector high = q.lanewise(LSHR, 4);
                    s0 = s0.add(low.mul(code(codes, i))).add(high.mul(code(codes, i + 1)));
                    s1 = s1.add(low.mul(code(codes, i + stride))).add(high.mul(code(codes, i + stride + 1)));
                }
                IntVector h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                FloatVector he = evenScales(h);
                FloatVector ho = oddScales(h);
                IntVector sum0 = s0.reinterpretAsInts();
                IntVector sum1 = s1.reinterpretAsInts();
                even0 = evens(sum0).fma(he.mul(scales[block + b]), even0);
                odd0 = odds(sum0).fma(ho.mul(scales[block + b]), odd0);
                even1 = evens(sum1).fma(he.mul(scales[block + blocks + b]), even1);
                odd1 = odds(sum1).fma(ho.mul(scales[block + blocks + b]), odd1);
            }
            even0.intoArray(out, at + g / 2);
            odd0.intoArray(out, at + HALF + g / 2);
            even1.intoArray(out, at + outStride + g / 2);
            odd1.intoArray(out, at + outStride + HALF + g / 2);
        }
    }

    /// Four tokens from `token`, as [#gemv2].
    static void gemv4(
            MemorySegment data, long panel, int tiles, Activations in, int token, float[] out, int at, int outStride) {
        int[] codes = in.codes();
        int[] sums = in.sums();
        float[] scales = in.scales();
        int blocks = in.stride() / TILE;
        int st = in.stride();
        int block = token * blocks;
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            FloatVector even0 = FloatVector.zero(FLOATS);
            FloatVector odd0 = even0, even1 = even0, odd1 = even0;
            FloatVector even2 = even0, odd2 = even0, even3 = even0, odd3 = even0;
            for (int b = 0; b < tiles; b++) {
                long tile = panel + b * TILE_BYTES;
                int c = (block + b) * TILE;
                int d = block + b;
                ShortVector s0 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d]));
                ShortVector s1 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d + blocks]));
                ShortVector s2 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d + 2 * blocks]));
                ShortVector s3 = ShortVector.broadcast(SHORTS, (short) (-8 * sums[d + 3 * blocks]));
                for (int p = 0; p < HALF; p++) {
                    int i = c + 2 * p;
                    ShortVector q = line(data, tile + (long) p * TILE + g);
                    ShortVector low = q.and(LOW);
                    ShortVector high = q.lanewise(LSHR, 4);
                    s0 = s0.add(low.mul(code(codes, i))).add(high.mul(code(codes, i + 1)));
                    s1 = s1.add(low.mul(code(codes, i + st))).add(high.mul(code(codes, i + st + 1)));
                    s2 = s2.add(low.mul(code(codes, i + 2 * st))).add(high.mul(code(codes, i + 2 * st + 1)));
                    s3 = s3.add(low.mul(code(codes, i + 3 * st))).add(high.mul(code(codes, i + 3 * st + 1)));
                }
                IntVector h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                FloatVector he = evenScales(h);
                FloatVector ho = oddScales(h);
                even0 = evens(s0.reinterpretAsInts()).fma(he.mul(scales[d]), even0);
                odd0 = odds(s0.reinterpretAsInts()).fma(ho.mul(scales[d]), odd0);
                even1 = evens(s1.reinterpretAsInts()).fma(he.mul(scales[d + blocks]), even1);
                odd1 = odds(s1.reinterpretAsInts()).fma(ho.mul(scales[d + blocks]), odd1);
                even2 = evens(s2.reinterpretAsInts()).fma(he.mul(scales[d + 2 * blocks]), even2);
                odd2 = odds(s2.reinterpretAsInts()).fma(ho.mul(scales[d + 2 * blocks]), odd2);
                even3 = evens(s3.reinterpretAsInts()).fma(he.mul(scales[d + 3 * blocks]), even3);
                odd3 = odds(s3.reinterpretAsInts()).fma(ho.mul(scales[d + 3 * blocks]), odd3);
            }
            int e = at + g / 2;
            even0.intoArray(out, e);
            odd0.intoArray(out, e + HALF);
            even1.intoArray(out, e + outStride);
            odd1.intoArray(out, e + outStride + HALF);
            even2.intoArray(out, e + 2 * outStride);
            odd2.intoArray(out, e + 2 * outStride + HALF);
            even3.intoArray(out, e + 3 * outStride);
            odd3.intoArray(out, e + 3 * outStride + HALF);
        }
    }

    /// Splits `tiles` tiles from byte `first` into codes less 8, `[columns, 32]` in lane order, and scales,
    /// `[tiles, 32]` in row order.
    static void unpack(MemorySegment data, long first, int tiles, short[] codes, float[] scales) {
        for (int b = 0; b < tiles; b++) {
            for (int g = 0; g < TILE; g += SHORT_LANES) {
                long tile = first + b * TILE_BYTES;
                int c = b * TILE * TILE + g;
                for (int p = 0; p < HALF; p++) {
                    ShortVector q = line(data, tile + (long) p * TILE + g);
                    q.and(LOW).sub((short) 8).intoArray(codes, c + 2 * p * TILE);
                    q.lanewise(LSHR, 4).sub((short) 8).intoArray(codes, c + (2 * p + 1) * TILE);
                }
                IntVector h = ShortVector.fromMemorySegment(SHORTS, data, tile + SCALES + 2L * g, LITTLE_ENDIAN)
                        .reinterpretAsInts();
                evenScales(h).intoArray(scales, b * TILE + g / 2);
                oddScales(h).intoArray(scales, b * TILE + HALF + g / 2);
            }
        }
    }

    /// Adds the products of six tokens from `token` with `tiles` unpacked tiles, which stand at tile column
    /// `column` of the matrix, to `out[at + t * outStride ..]`.
    static void panel6(Unpacked panel, int column, int tiles, Activations in, int token, float[] out, int at, int os) {
        short[] w = panel.codes();
        float[] rows = panel.scales();
        int[] codes = in.codes();
        float[] scales = in.scales();
        int st = in.stride();
        int blocks = st / TILE;
        int block = token * blocks + column;
        for (int g = 0; g < TILE; g += SHORT_LANES) {
            int e = at + g / 2;
            int o = e + HALF;
            FloatVector even0 = FloatVector.fromArray(FLOATS, out, e);
            FloatVector odd0 = FloatVector.fromArray(FLOATS, out, o);
            FloatVector even1 = FloatVector.fromArray(FLOATS, out, e + os);
            FloatVector odd1 = FloatVector.fromArray(FLOATS, out, o + os);
            FloatVector even2 = FloatVector.fromArray(FLOATS, out, e + 2 * os);
            FloatVector odd2 = FloatVector.fromArray(FLOATS, out, o + 2 * os);
            FloatVector even3 = FloatVector.fromArray(FLOATS, out, e + 3 * os);
            FloatVector odd3 = FloatVector.fromArray(FLOATS, out, o + 3 * os);
            FloatVector even4 = FloatVector.fromArray(FLOATS, out, e + 4 * os);
            FloatVector odd4 = FloatVector.fromArray(FLOATS, out, o + 4 * os);
            FloatVector even5 = FloatVector.fromArray(FLOATS, out, e + 5 * os);
            FloatVector odd5 = FloatVector.fromArray(FLOATS, out, o + 5 * os);
            for (int b = 0; b < tiles; b++) {
                int d = block + b;
                int c = d * TILE;
                int line = b * TILE * TILE + g;
                ShortVector s0 = ShortVector.zero(SHORTS);
                ShortVector s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
                for (int i = 0; i < TILE; i++) {
                    ShortVector q = ShortVector.fromArray(SHORTS, w, line + i * TILE);
                    s0 = s0.add(q.mul(code(codes, c + i)));
                    s1 = s1.add(q.mul(code(codes, c + st + i)));
                    s2 = s2.add(q.mul(code(codes, c + 2 * st + i)));
                    s3 = s3.add(q.mul(code(codes, c + 3 * st + i)));
                    s4 = s4.add(q.mul(code(codes, c + 4 * st + i)));
                    s5 = s5.add(q.mul(code(codes, c + 5 * st + i)));
                }
                FloatVector he = FloatVector.fromArray(FLOATS, rows, b * TILE + g / 2);
                FloatVector ho = FloatVector.fromArray(FLOATS, rows, b * TILE + HALF + g / 2);
                even0 = evens(s0.reinterpretAsInts()).fma(he.mul(scales[d]), even0);
                odd0 = odds(s0.reinterpretAsInts()).fma(ho.mul(scales[d]), odd0);
                even1 = evens(s1.reinterpretAsInts()).fma(he.mul(scales[d + blocks]), even1);
                odd1 = odds(s1.reinterpretAsInts()).fma(ho.mul(scales[d + blocks]), odd1);
                even2 = evens(s2.reinterpretAsInts()).fma(he.mul(scales[d + 2 * blocks]), even2);
                odd2 = odds(s2.reinterpretAsInts()).fma(ho.mul(scales[d + 2 * blocks]), odd2);
                even3 = evens(s3.reinterpretAsInts()).fma(he.mul(scales[d + 3 * blocks]), even3);
                odd3 = odds(s3.reinterpretAsInts()).fma(ho.mul(scales[d + 3 * blocks]), odd3);
                even4 = evens(s4.reinterpretAsInts()).fma(he.mul(scales[d + 4 * blocks]), even4);
                odd4 = odds(s4.reinterpretAsInts()).fma(ho.mul(scales[d + 4 * blocks]), odd4);
                even5 = evens(s5.reinterpretAsInts()).fma(he.mul(scales[d + 5 * blocks]), even5);
                odd5 = odds(s5.reinterpretAsInts()).fma(ho.mul(scales[d + 5 * blocks]), odd5);
            }
            even0.intoArray(out, e);
            odd0.intoArray(out, o);
            even1.intoArray(out, e + os);
            odd1.intoArray(out, o + os);
            even2.intoArray(out, e + 2 * os);
            odd2.intoArray(out, o + 2 * os);
            even3.intoArray(out, e + 3 * os);
            odd3.intoArray(out, o + 3 * os);
            even4.intoArray(out, e + 4 * os);
            odd4.intoArray(out, o + 4 * os);
            even5.intoArray(out, e + 5 * os);
            odd5.intoArray(out, o + 5 * os);
        }
    }

    /// A line of bytes, widened.
    private static ShortVector line(MemorySegment data, long at) {
        return (ShortVector)
                ByteVector.fromMemorySegment(BYTES, data, at, LITTLE_ENDIAN).convertShape(ZERO_EXTEND_B2S, SHORTS, 0);
    }

    /// An activation's code in every lane.
    private static ShortVector code(int[] codes, int at) {
        return IntVector.broadcast(INTS, codes[at]).reinterpretAsShorts();
    }

    private static FloatVector evens(IntVector sums) {
        return (FloatVector) sums.lanewise(LSHL, 16).lanewise(ASHR, 16).convert(I2F, 0);
    }

    private static FloatVector odds(IntVector sums) {
        return (FloatVector) sums.lanewise(ASHR, 16).convert(I2F, 0);
    }

    private static FloatVector evenScales(IntVector halves) {
        return oddScales(halves.lanewise(LSHL, 16));
    }

    private static FloatVector oddScales(IntVector halves) {
        return halves.lanewise(ASHR, 3).and(F16_BITS).reinterpretAsFloats().mul(F16_BIAS);
    }
}
