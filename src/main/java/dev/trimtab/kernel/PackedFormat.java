package dev.trimtab.kernel;

import dev.trimtab.tensor.Encoding;

/// How a weight is held in memory once packed. Packed bytes are never stored on disk.
public enum PackedFormat {
    F32,
    BF16,
    F16,
    /// 8-bit symmetric codes, a scale for each row of a block of 32 columns.
    INT8,
    /// 4-bit codes, likewise.
    INT4;

    /// The smallest format that holds every value of `encoding` exactly.
    public static PackedFormat lossless(Encoding encoding) {
        return switch (encoding) {
            case F16 -> F16;
            case BF16 -> BF16;
            case Q8_0 -> INT8;
            case Q4_0 -> INT4;
            default -> F32;
        };
    }
}
