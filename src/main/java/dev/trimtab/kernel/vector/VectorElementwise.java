package dev.trimtab.kernel.vector;

import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.FLOAT_LANES;
import static dev.trimtab.kernel.vector.Lanes.INTS;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.MAX;

import dev.trimtab.kernel.ActivationCodes;
import dev.trimtab.kernel.Kernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShuffle;

/// Operations over single vectors of a batch. Rows are padded to whole blocks of 32, so that loops over a
/// stride need no tail; sums across lanes are taken lane by lane, in order, because the Vector API leaves
/// its own order open and the compiled and the interpreted one may differ.
final class VectorElementwise {
    /// Where exp reaches f32's smallest normal number.
    static final float EXP_MIN = -87.33654f;

    /// Beyond it exp is infinite in f32.
    private static final float EXP_MAX = 89;

    static final float LOG2_E = 1.442695f;

    /// ln 2 in two parts; the first has trailing zeros, so that its product with an exponent is exact.
    static final float LN2_HIGH = 355 / 512f;

    static final float LN2_LOW = -2.12194440e-4f;

    /// The bits of 1, whose exponent 2^n is counted from.
    static final int ONE_BITS = 0x3f800000;

    /// Adding it leaves the nearest integer in the low bits.
    static final float ROUNDER = 0x1.8p23f;

    private static final float SQRT_HALF = 0.70710677f;

    /// The square root of 2 / pi.
    private static final float SQRT_2_PI = 0.7978846f;

    /// Each lane's left neighbour.
    private static final VectorShuffle<Integer> BEFORE = VectorShuffle.fromOp(INTS, lane -> Math.max(0, lane - 1));

    /// What a code takes from its right neighbour in a short of four: see
    /// [ActivationCodes#nibbleFactors].
    private static final IntVector NIBBLE_CARRY = IntVector.fromArray(INTS, carries(), 0);

    private VectorElementwise() {}

    private static int[] carries() {
        int[] carries = new int[INTS.length()];
        Arrays.setAll(carries, lane -> lane % 4 == 0 ? 0 : 16);
        return carries;
    }

    /// The SIMD twin of [ActivationCodes#encode]: the same numbers, for the largest of a block and sums
    /// of integers do not depend on the order.
    static void encode(float[] values, int from, int to, ActivationCodes into) {
        int[] codes = into.codes();
        int[] factors = into.nibbleFactors();
        for (int block = from; block < to; block++) {
            int start = block * ActivationCodes.BLOCK;
            int end = start + ActivationCodes.BLOCK;
            var largest = FloatVector.zero(FLOATS);
            for (int i = start; i < end; i += FLOAT_LANES) {
                largest = largest.max(FloatVector.fromArray(FLOATS, values, i).abs());
            }
            float extreme = largest.reduceLanes(MAX);
            float inverse = ActivationCodes.inverse(extreme);
            var sums = IntVector.zero(INTS);
            for (int i = start; i < end; i += FLOAT_LANES) {
                var rounded =
                        FloatVector.fromArray(FLOATS, values, i).mul(inverse).add(ActivationCodes.ROUNDER);
                var code = rounded.reinterpretAsInts().sub(ActivationCodes.ROUNDER_BITS);
                var factor = code.sub(code.rearrange(BEFORE).mul(NIBBLE_CARRY));
                code.lanewise(LSHL, 16).or(code.and(0xffff)).intoArray(codes, i);
                factor.lanewise(LSHL, 16).or(factor.and(0xffff)).intoArray(factors, i);
                sums = sums.add(code);
            }
            into.describe(block, extreme, sums.reduceLanes(ADD));
        }
    }

    /// `out[at + i] = in[from + i] / sqrt(mean(in^2) + eps) * weight[i]` for one vector.
    static void rmsNorm(float[] in, int from, float[] weight, float eps, float[] out, int at) {
        int columns = weight.length;
        int whole = FLOATS.loopBound(columns);
        FloatVector squares = FloatVector.zero(FLOATS);
        for (int i = 0; i < whole; i += FLOAT_LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, in, from + i);
            squares = x.fma(x, squares);
        }
        double sum = 0;
        for (int lane = 0; lane < FLOAT_LANES; lane++) {
            sum += squares.lane(lane);
        }
        for (int i = whole; i < columns; i++) {
            sum += (double) in[from + i] * in[from + i];
        }
        float scale = (float) (1 / Math.sqrt(sum / columns + eps));
        for (int i = 0; i < whole; i += FLOAT_LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, in, from + i);
            x.mul(scale).mul(FloatVector.fromArray(FLOATS, weight, i)).intoArray(out, at + i);
        }
        for (int i = whole; i < columns; i++) {
            out[at + i] = in[from + i] * scale * weight[i];
        }
    }

    /// `out[at + i] = (in[from + i] - mean) / sqrt(variance + eps) * weight[i] + bias[i]` for one vector.
    static void layerNorm(float[] in, int from, float[] weight, float[] bias, float eps, float[] out, int at) {
        int columns = weight.length;
        int whole = FLOATS.loopBound(columns);
        FloatVector sums = FloatVector.zero(FLOATS);
        for (int i = 0; i < whole; i += FLOAT_LANES) {
            sums = sums.add(FloatVector.fromArray(FLOATS, in, from + i));
        }
        double sum = 0;
        for (int lane = 0; lane < FLOAT_LANES; lane++) {
            sum += sums.lane(lane);
        }
        for (int i = whole; i < columns; i++) {
            sum += in[from + i];
        }
        float mean = (float) (sum / columns);
        FloatVector squares = FloatVector.zero(FLOATS);
        for (int i = 0; i < whole; i += FLOAT_LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, in, from + i).sub(mean);
            squares = x.fma(x, squares);
        }
        double variance = 0;
        for (int lane = 0; lane < FLOAT_LANES; lane++) {
            variance += squares.lane(lane);
        }
        for (int i = whole; i < columns; i++) {
            variance += (double) (in[from + i] - mean) * (in[from + i] - mean);
        }
        float scale = (float) (1 / Math.sqrt(variance / columns + eps));
        for (int i = 0; i < whole; i += FLOAT_LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, in, from + i).sub(mean);
            x.mul(scale)
                    .fma(FloatVector.fromArray(FLOATS, weight, i), FloatVector.fromArray(FLOATS, bias, i))
                    .intoArray(out, at + i);
        }
        for (int i = whole; i < columns; i++) {
            out[at + i] = Math.fma((in[from + i] - mean) * scale, weight[i], bias[i]);
        }
    }

    /// `x[i] += delta[i]` over `[from, to)`, a multiple of 32 elements.
    static void add(float[] x, float[] delta, int from, int to) {
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, x, i)
                    .add(FloatVector.fromArray(FLOATS, delta, i))
                    .intoArray(x, i);
        }
    }

    /// `x[i] *= factors[i]` over `[from, to)`, a multiple of 32 elements.
    static void multiply(float[] x, float[] factors, int from, int to) {
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, x, i)
                    .mul(FloatVector.fromArray(FLOATS, factors, i))
                    .intoArray(x, i);
        }
    }

    /// `x[i] *= factor` over `[from, to)`, a multiple of 32 elements.
    static void scale(float[] x, float factor, int from, int to) {
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, x, i).mul(factor).intoArray(x, i);
        }
    }

    /// `x[at + i] += weight * delta[from + i]` for `count` elements, a multiple of 32.
    static void addScaled(float[] x, int at, float weight, float[] delta, int from, int count) {
        FloatVector w = FloatVector.broadcast(FLOATS, weight);
        for (int i = 0; i < count; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, delta, from + i)
                    .fma(w, FloatVector.fromArray(FLOATS, x, at + i))
                    .intoArray(x, at + i);
        }
    }

    /// `x[at + i] += bias[i]`
    static void addBias(float[] x, int at, float[] bias) {
        int whole = FLOATS.loopBound(bias.length);
        for (int i = 0; i < whole; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, x, at + i)
                    .add(FloatVector.fromArray(FLOATS, bias, i))
                    .intoArray(x, at + i);
        }
        for (int i = whole; i < bias.length; i++) {
            x[at + i] += bias[i];
        }
    }

    /// `x = round(x 127 / a) a / 127` for the vector `[from, to)`, a multiple of 32 elements, a its
    /// largest magnitude.
    static void roundToInt8(float[] x, int from, int to) {
        FloatVector extremes = FloatVector.broadcast(FLOATS, Kernels.SMALLEST_EXTREME);
        for (int i = from; i < to; i += FLOAT_LANES) {
            extremes = extremes.max(FloatVector.fromArray(FLOATS, x, i).abs());
        }
        float steps = 127 / extremes.reduceLanes(MAX);
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector rounded = FloatVector.fromArray(FLOATS, x, i).mul(steps).add(ROUNDER);
            rounded.sub(ROUNDER).div(steps).intoArray(x, i);
        }
    }

    /// `x = cap * tanh(x / cap)` over `[from, to)`, a multiple of 32 elements, with `tanh(z) = 1 - 2 / (1
    /// + exp(2 z))`: to about `cap * 2e-7`.
    static void softCap(float[] x, int from, int to, float cap) {
        exp(x, from, 2 / cap, 0, x, from, to - from);
        FloatVector caps = FloatVector.broadcast(FLOATS, cap);
        FloatVector twice = FloatVector.broadcast(FLOATS, 2 * cap);
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector e = FloatVector.fromArray(FLOATS, x, i);
            caps.sub(twice.div(e.add(1))).intoArray(x, i);
        }
    }

    /// `out = f(in)` over `[from, to)`, a multiple of 32 elements; two arrays.
    static void activate(Kernels.Nonlinearity f, float[] in, float[] out, int from, int to) {
        switch (f) {
            case SILU -> {
                exp(in, from, -1, 0, out, from, to - from);
                divideByOneMore(in, out, from, to);
            }
            case GELU_TANH -> {
                tanhArgument(in, out, from, to);
                exp(out, from, -2, 0, out, from, to - from);
                divideByOneMore(in, out, from, to);
            }
            case GELU -> gelu(in, out, from, to);
        }
    }

    /// `out = in / (1 + out)`: the logistic function's last step, after [#exp]. Where exp overflowed the
    /// quotient is still right: -0.
    private static void divideByOneMore(float[] in, float[] out, int from, int to) {
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, in, i)
                    .div(FloatVector.fromArray(FLOATS, out, i).add(1))
                    .intoArray(out, i);
        }
    }

    /// `out = sqrt(2 / pi) (in + 0.044715 in^3)`, u of GELU's approximation: `(1 + tanh u) / 2 = 1 / (1 +
    /// exp(-2 u))`.
    private static void tanhArgument(float[] in, float[] out, int from, int to) {
        FloatVector one = FloatVector.broadcast(FLOATS, SQRT_2_PI);
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, in, i);
            x.mul(x)
                    .fma(FloatVector.broadcast(FLOATS, SQRT_2_PI * 0.044715f), one)
                    .mul(x)
                    .intoArray(out, i);
        }
    }

    /// `out = in Phi(in)`, to about 2e-7, with `Phi(-|x|) = exp(-x^2 / 2) p(t) / 2`, `t = 1 / (1 +
    /// 0.3275911
    /// |x| / sqrt 2)` (Hastings; Abramowitz and Stegun 7.1.26), so `x Phi(x) = max(x, 0) - |x| Phi(-|x|)`.
    private static void gelu(float[] in, float[] out, int from, int to) {
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, in, i);
            x.mul(x).mul(-0.5f).intoArray(out, i);
        }
        exp(out, from, 1, 0, out, from, to - from);
        FloatVector one = FloatVector.broadcast(FLOATS, 1);
        FloatVector c4 = FloatVector.broadcast(FLOATS, -1.4531521f);
        FloatVector c3 = FloatVector.broadcast(FLOATS, 1.4214138f);
        FloatVector c2 = FloatVector.broadcast(FLOATS, -0.28449672f);
        FloatVector c1 = FloatVector.broadcast(FLOATS, 0.2548296f);
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, in, i);
            FloatVector size = x.abs();
            FloatVector t = one.div(size.mul(0.3275911f * SQRT_HALF).add(1));
            FloatVector p = FloatVector.broadcast(FLOATS, 1.0614054f).fma(t, c4);
            p = p.fma(t, c3).fma(t, c2).fma(t, c1).mul(t);
            FloatVector tail = p.mul(FloatVector.fromArray(FLOATS, out, i)).mul(0.5f);
            x.max(0).sub(size.mul(tail)).intoArray(out, i);
        }
    }

    /// `out[at + i] = exp(in[from + i] * factor + shift)` for `count` elements, a multiple of the
    /// vector's, to 2 units in the last place, after Cephes' expf (Moshier): `x = n ln 2 + r`, `|r| <= ln
    /// 2 / 2`, a polynomial of degree 5 for `(exp(r) - 1 - r) / r^2`, times `2^n`. Results under f32's
    /// smallest normal number become about that number, those from 2^127.5 infinite; NaN stays. `in` and
    /// `out` may be the same.
    static void exp(float[] in, int from, float factor, float shift, float[] out, int at, int count) {
        var high = FloatVector.broadcast(FLOATS, -LN2_HIGH);
        var low = FloatVector.broadcast(FLOATS, -LN2_LOW);
        var c5 = FloatVector.broadcast(FLOATS, 1.3981999e-3f);
        var c4 = FloatVector.broadcast(FLOATS, 8.333452e-3f);
        var c3 = FloatVector.broadcast(FLOATS, 4.1665796e-2f);
        var c2 = FloatVector.broadcast(FLOATS, 0.16666666f);
        var c1 = FloatVector.broadcast(FLOATS, 0.5f);
        for (int i = 0; i < count; i += FLOAT_LANES) {
            var x = FloatVector.fromArray(FLOATS, in, from + i).mul(factor).add(shift);
            var clamped = x.max(EXP_MIN).min(EXP_MAX);
            var shifted = clamped.mul(LOG2_E).add(ROUNDER);
            var n = shifted.sub(ROUNDER);
            var r = n.fma(low, n.fma(high, clamped));
            var p = FloatVector.broadcast(FLOATS, 1.9875691e-4f).fma(r, c5);
            p = p.fma(r, c4).fma(r, c3).fma(r, c2).fma(r, c1);
            var power = shifted.reinterpretAsInts().lanewise(LSHL, 23).add(ONE_BITS);
            p.fma(r.mul(r), r.add(1)).mul(power.reinterpretAsFloats()).intoArray(out, at + i);
        }
    }
}
