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
            case BF16, F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ, I8, U8 -> BF16;
            case Q8_0 -> INT8;
            case Q4_0 -> INT4;
            default -> F32;
        };
    }

    /// Bytes of a packed matrix `[rows, columns]`, both padded to whole tiles of 32, scales included.
    public long packedBytes(long rows, long columns) {
        long tiles = Math.ceilDiv(rows, 32L) * Math.ceilDiv(columns, 32L);
        return switch (this) {
            case F32 -> tiles * 4096;
            case BF16, F16 -> tiles * 2048;
            case INT8 -> tiles * (1024 + 128);
            case INT4 -> tiles * (512 + 128);
        };
    }
}
