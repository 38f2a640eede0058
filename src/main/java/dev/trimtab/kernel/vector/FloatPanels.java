package dev.trimtab.kernel.vector;

import dev.trimtab.error.Internal;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.PackedMatrix;

/// F32, F16 and BF16 panels times f32 activations: one token, or four at a time, straight from the panel.
/// A group of two or three is padded; the surplus falls into the spare rows of [Activations].
final class FloatPanels implements VectorLinear.Multiplication {
    private static final int TILE = PackedMatrix.TILE;

    /// Tokens of the larger kernels.
    private static final int GROUP = 4;

    private final PackedMatrix matrix;

    FloatPanels(PackedMatrix matrix) {
        this.matrix = matrix;
    }

    /// Takes the tokens in stretches, and all panels over each.
    @Override
    public void multiply(int from, int to, Activations in, Activations out) {
        int stretch = VectorLinear.stretch(in, GROUP);
        for (int first = 0; first < in.tokens(); first += stretch) {
            int last = Math.min(in.tokens(), first + stretch);
            for (int panel = from; panel < to; panel++) {
                multiplyPanel(panel, first, last, in, out);
            }
        }
    }

    private void multiplyPanel(int panel, int from, int to, Activations in, Activations out) {
        int os = out.stride();
        for (int token = from; token < to; token += GROUP) {
            int at = token * os + panel * TILE;
            if (to - token == 1) {
                multiplyOne(panel, in, token, out.values(), at);
            } else {
                multiplyFour(panel, in, token, out.values(), at, os);
            }
        }
    }

    private void multiplyOne(int panel, Activations in, int token, float[] out, int at) {
        long first = panel * matrix.panelBytes();
        int tiles = matrix.tileColumns();
        int from = token * in.stride();
        switch (matrix.format()) {
            case F32 -> FloatTiles.gemvF32(matrix.data(), first, tiles, in.values(), from, out, at);
            case F16 -> FloatTiles.gemvF16(matrix.data(), first, tiles, in.values(), from, out, at);
            case BF16 -> FloatTiles.gemvBf16(matrix.data(), first, tiles, in.values(), from, out, at);
            default -> throw new Internal("packed codes are no floats");
        }
    }

    private void multiplyFour(int panel, Activations in, int token, float[] out, int at, int os) {
        long first = panel * matrix.panelBytes();
        int tiles = matrix.tileColumns();
        int st = in.stride();
        int from = token * st;
        switch (matrix.format()) {
            case F32 -> FloatTiles.gemv4F32(matrix.data(), first, tiles, in.values(), from, st, out, at, os);
            case F16 -> FloatTiles.gemv4F16(matrix.data(), first, tiles, in.values(), from, st, out, at, os);
            case BF16 -> FloatTiles.gemv4Bf16(matrix.data(), first, tiles, in.values(), from, st, out, at, os);
            default -> throw new Internal("packed codes are no floats");
        }
    }
}
