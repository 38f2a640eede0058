package dev.trimtab.tensor.quantize;

/// The bytes of one block while it is composed: all zero at first, codes are put in by OR.
final class BlockBytes {
    private final byte[] bytes;

    BlockBytes(int size) {
        this.bytes = new byte[size];
    }

    byte[] bytes() {
        return bytes;
    }

    /// Sets those bits of `value`'s low byte.
    void or(int at, int value) {
        bytes[at] |= (byte) value;
    }

    /// Writes `value` as an f16 and answers what was written as a float; beyond f16's range, its end.
    float f16(int at, float value) {
        float nearest = Half.nearest(value);
        short half = Float.floatToFloat16(nearest);
        bytes[at] = (byte) half;
        bytes[at + 1] = (byte) (half >> 8);
        return nearest;
    }
}
