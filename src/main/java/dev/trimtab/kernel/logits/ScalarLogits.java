package dev.trimtab.kernel.logits;

/// The reference tier.
final class ScalarLogits implements Logits {
    static final ScalarLogits INSTANCE = new ScalarLogits();

    private ScalarLogits() {}

    @Override
    public int argmax(float[] values, int from, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, values[from + i]);
        }
        return Float.isFinite(max) ? first(values, from, max) : NONE;
    }

    /// The index from `from` of the first value that equals `wanted`; there must be one.
    static int first(float[] values, int from, float wanted) {
        int i = 0;
        while (values[from + i] != wanted) {
            i++;
        }
        return i;
    }

    @Override
    public float stripeMaxima(float[] values, int from, int count, float[] maxima) {
        int stripes = maxima.length;
        System.arraycopy(values, from, maxima, 0, stripes);
        for (int first = stripes; first < count; first += stripes) {
            int length = Math.min(stripes, count - first);
            for (int stripe = 0; stripe < length; stripe++) {
                maxima[stripe] = Math.max(maxima[stripe], values[from + first + stripe]);
            }
        }
        float max = Float.NEGATIVE_INFINITY;
        for (float each : maxima) {
            max = Math.max(max, each);
        }
        return max;
    }
}
