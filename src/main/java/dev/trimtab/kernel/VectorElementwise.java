package dev.trimtab.kernel;

import static dev.trimtab.kernel.Lanes.FLOATS;
import static dev.trimtab.kernel.Lanes.FLOAT_LANES;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;

/// Operations over single vectors of a batch. Rows are padded to whole blocks of 32, so that loops over a
/// stride need no tail; sums across lanes are taken lane by lane, in order, because the Vector API leaves its
/// own order open and the compiled and the interpreted one may differ.
final class VectorElementwise {
    /// Where exp reaches f32's smallest normal number.
    private static final float EXP_MIN = -87.33654f;

    /// Beyond it exp is infinite in f32.
    private static final float EXP_MAX = 89;

    private static final float LOG2_E = 1.442695f;

    /// ln 2 in two parts; the first has trailing zeros, so that its product with an exponent is exact.
    private static final float LN2_HIGH = 355 / 512f;

    private static final float LN2_LOW = -2.12194440e-4f;

    /// The bits of 1, whose exponent 2^n is counted from.
    private static final int ONE_BITS = 0x3f800000;

    /// Adding it leaves the nearest integer in the low bits.
    private static final float ROUNDER = 0x1.8p23f;

    private VectorElementwise() {}

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

    /// `x[i] += delta[i]` over `[from, to)`, a multiple of 32 elements.
    static void add(float[] x, float[] delta, int from, int to) {
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector.fromArray(FLOATS, x, i)
                    .add(FloatVector.fromArray(FLOATS, delta, i))
                    .intoArray(x, i);
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

    /// `out = gate / (1 + exp(-gate)) * up` over `[from, to)`, a multiple of 32 elements. Where exp
    /// overflows the quotient is still right: a large negative gate gives -0.
    static void swiglu(float[] gate, float[] up, float[] out, int from, int to) {
        for (int i = from; i < to; i += FLOAT_LANES) {
            FloatVector z = FloatVector.fromArray(FLOATS, gate, i);
            FloatVector silu = z.div(exp(z.neg()).add(1));
            silu.mul(FloatVector.fromArray(FLOATS, up, i)).intoArray(out, i);
        }
    }

    /// `exp(x)` to 2 units in the last place, after Cephes' expf (Moshier): `x = n ln 2 + r`, `|r| <= ln 2 /
    /// 2`, a polynomial of degree 5 for `(exp(r) - 1 - r) / r^2`, times `2^n`. Results under f32's smallest
    /// normal number become about that number, those from 2^127.5 infinite; NaN stays.
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.max(EXP_MIN).min(EXP_MAX);
        FloatVector shifted = clamped.mul(LOG2_E).add(ROUNDER);
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = n.fma(all(-LN2_LOW), n.fma(all(-LN2_HIGH), clamped));
        FloatVector p = all(1.9875691e-4f).fma(r, all(1.3981999e-3f));
        p = p.fma(r, all(8.333452e-3f)).fma(r, all(4.1665796e-2f));
        p = p.fma(r, all(0.16666666f)).fma(r, all(0.5f));
        FloatVector power =
                shifted.reinterpretAsInts().lanewise(LSHL, 23).add(ONE_BITS).reinterpretAsFloats();
        return p.fma(r.mul(r), r.add(1)).mul(power);
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(FLOATS, value);
    }
}
