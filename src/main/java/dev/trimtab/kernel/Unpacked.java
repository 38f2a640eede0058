package dev.trimtab.kernel;

/// One thread's room for a stretch of a panel that several tokens are multiplied with: as 16-bit codes with a
/// scale for each row of a tile, or as floats.
final class Unpacked {
    /// Tiles unpacked at a time, of 4 KiB as floats: 128 KiB, a part of any processor's second-level cache,
    /// and enough that the sums, which wait in memory between two stretches, cost nothing.
    static final int TILES = 32;

    private final short[] codes = new short[TILES * PackedMatrix.TILE * PackedMatrix.TILE];
    private final float[] scales = new float[TILES * PackedMatrix.TILE];
    private final float[] weights = new float[TILES * PackedMatrix.TILE * PackedMatrix.TILE];

    short[] codes() {
        return codes;
    }

    float[] scales() {
        return scales;
    }

    /// `[columns, 32]`, rows in order.
    float[] weights() {
        return weights;
    }
}
