package dev.trimtab.tensor.quantize;

/// IEEE half-precision numbers as scales are stored in.
final class Half {
    private static final float MAX = 65_504;

    private Half() {}

    /// The number that f16 can hold nearest to `value`: the end of its range beyond it, 0 for what is
    /// too small.
    static float nearest(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(Math.clamp(value, -MAX, MAX)));
    }
}
