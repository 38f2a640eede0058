package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedMatrix;
import java.util.Arrays;

/// Codes times f32 activations, the exact path: a stretch of a panel is decoded to floats once and
/// multiplied with all tokens.
final class UnpackedPanels implements VectorLinear.Multiplication {
    private static final int TILE = PackedMatrix.TILE;

    /// Tiles decoded at a time, of 4 KiB as floats: 128 KiB, a part of any processor's second-level
    /// cache, and enough that the sums, which wait in memory between two stretches, cost nothing.
    static final int TILES = 32;

    private final PackedMatrix matrix;
    private final float[][] rooms;

    /// `rooms` holds [#room()] for each thread of the pool.
    UnpackedPanels(PackedMatrix matrix, float[][] rooms) {
        this.matrix = matrix;
        this.rooms = rooms;
    }

    /// `[columns, 32]` of a stretch of tiles.
    static float[] room() {
        return new float[TILES * TILE * TILE];
    }

    @Override
    public void multiply(int from, int to, Activations in, Activations out) {
        float[] weights = rooms[ComputePool.worker()];
        for (int panel = from; panel < to; panel++) {
            int at = panel * TILE;
            for (int token = 0; token < in.tokens() + Activations.SPARE; token++) {
                Arrays.fill(out.values(), token * out.stride() + at, token * out.stride() + at + TILE, 0);
            }
            for (int column = 0; column < matrix.tileColumns(); column += TILES) {
                int tiles = Math.min(TILES, matrix.tileColumns() - column);
                PlaneTiles.unpack(matrix, panel * matrix.panelBytes() + column * matrix.tileBytes(), tiles, weights);
                add(weights, column, tiles, in, out, at);
            }
        }
    }

    private static void add(float[] weights, int column, int tiles, Activations in, Activations out, int at) {
        int columns = tiles * TILE;
        int stride = out.stride();
        for (int token = 0; token < in.tokens(); token += 4) {
            int from = token * in.stride() + column * TILE;
            int to = token * stride + at;
            if (in.tokens() - token <= 2) {
                FloatTiles.panel2(weights, 0, columns, in.values(), from, in.stride(), out.values(), to, stride);
            } else {
                FloatTiles.panel4(weights, 0, columns, in.values(), from, in.stride(), out.values(), to, stride);
            }
        }
    }
}
