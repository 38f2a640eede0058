package dev.trimtab.kernel.logits;

import static dev.trimtab.kernel.vector.Lanes.FLOATS;
import static dev.trimtab.kernel.vector.Lanes.FLOAT_LANES;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import dev.trimtab.kernel.vector.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// The tier of the Vector API. A maximum that keeps NaN takes half a dozen instructions; so a comparison,
/// which is false for NaN, picks the larger, and beside it the largest magnitude is kept as an integer, which
/// is beyond [#INFINITY_BITS] where any value is NaN.
final class VectorLogits implements Logits {
    static final VectorLogits INSTANCE = new VectorLogits();

    /// Values looked at before the largest is taken out of the vectors: few, because those around the largest
    /// of all are looked at again; enough that taking it out costs little.
    private static final int RUN = 2048;

    private static final int MAGNITUDE = 0x7fff_ffff;
    private static final int INFINITY_BITS = 0x7f80_0000;

    private VectorLogits() {}

    @Override
    public int argmax(float[] values, int from, int count) {
        float max = Float.NEGATIVE_INFINITY;
        int run = 0;
        for (int start = 0; start < count; start += RUN) {
            float largest = max(values, from + start, Math.min(RUN, count - start));
            if (Float.isNaN(largest)) {
                return NONE;
            }
            if (largest > max) {
                max = largest;
                run = start;
            }
        }
        return Float.isFinite(max) ? run + ScalarLogits.first(values, from + run, max) : NONE;
    }

    /// The largest of `count` values; NaN where any is. Two vectors at a time, because a comparison takes the
    /// processor longer than a load.
    private static float max(float[] values, int from, int count) {
        int whole = count - count % (2 * FLOAT_LANES);
        var even = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        var odd = even;
        var magnitudes = IntVector.zero(Lanes.INTS);
        for (int i = from; i < from + whole; i += 2 * FLOAT_LANES) {
            var x = FloatVector.fromArray(FLOATS, values, i);
            var y = FloatVector.fromArray(FLOATS, values, i + FLOAT_LANES);
            even = even.blend(x, x.compare(GT, even));
            odd = odd.blend(y, y.compare(GT, odd));
            magnitudes = magnitudes.max(x.reinterpretAsInts().and(MAGNITUDE));
            magnitudes = magnitudes.max(y.reinterpretAsInts().and(MAGNITUDE));
        }
        float max = even.blend(odd, odd.compare(GT, even)).reduceLanes(MAX);
        for (int i = from + whole; i < from + count; i++) {
            max = Math.max(max, values[i]);
        }
        return magnitudes.reduceLanes(MAX) > INFINITY_BITS ? Float.NaN : max;
    }

    @Override
    public float stripeMaxima(float[] values, int from, int count, float[] maxima) {
        int stripes = maxima.length;
        System.arraycopy(values, from, maxima, 0, stripes);
        for (int first = stripes; first < count; first += stripes) {
            if (!raise(maxima, values, from + first, Math.min(stripes, count - first))) {
                return Float.NaN;
            }
        }
        return max(maxima, 0, stripes);
    }

    /// `maxima[i] = max(maxima[i], values[from + i])`; false where any of `values` is NaN.
    private static boolean raise(float[] maxima, float[] values, int from, int count) {
        int whole = FLOATS.loopBound(count);
        var magnitudes = IntVector.zero(Lanes.INTS);
        for (int i = 0; i < whole; i += FLOAT_LANES) {
            var x = FloatVector.fromArray(FLOATS, values, from + i);
            var max = FloatVector.fromArray(FLOATS, maxima, i);
            max.blend(x, x.compare(GT, max)).intoArray(maxima, i);
            magnitudes = magnitudes.max(x.reinterpretAsInts().and(MAGNITUDE));
        }
        int magnitude = magnitudes.reduceLanes(MAX);
        for (int i = whole; i < count; i++) {
            maxima[i] = Math.max(maxima[i], values[from + i]);
            magnitude = Math.max(magnitude, Float.floatToRawIntBits(values[from + i]) & MAGNITUDE);
        }
        return magnitude <= INFINITY_BITS;
    }
}
