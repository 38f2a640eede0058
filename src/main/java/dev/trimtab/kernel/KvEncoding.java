package dev.trimtab.kernel;

/// How keys and values are held in the KV cache.
public enum KvEncoding {
    F32,
    /// Values beyond its range become its largest, not infinite: every tier takes a cached f16 for a number.
    F16,
    BF16,
    /// Signed 8-bit codes with an f16 scale for each 32 elements of a token's key or value: about half of
    /// F16.
    Q8;

    /// Bytes of `lines` lines of a tile, each of 32 elements; in Q8 with a scale a lane, or a line.
    long tileBytes(int lines) {
        long elements = (long) lines * PackedMatrix.TILE;
        return switch (this) {
            case F32 -> elements * Float.BYTES;
            case F16, BF16 -> elements * Short.BYTES;
            case Q8 -> elements + (long) PackedMatrix.TILE * Short.BYTES;
        };
    }
}
