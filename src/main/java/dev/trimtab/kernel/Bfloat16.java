package dev.trimtab.kernel;

/// The upper half of a float.
final class Bfloat16 {
    private Bfloat16() {}

    /// The nearest, ties to even.
    static short of(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }
}
