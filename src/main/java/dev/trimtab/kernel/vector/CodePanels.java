package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.ActivationCodes;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedMatrix;

/// Codes times int8 activations: one token panel by panel, several over groups of four panels.
final class CodePanels implements VectorLinear.Multiplication {
    private static final int TILE = PackedMatrix.TILE;

    /// Panels that a kernel of several tokens takes.
    private static final int GROUP = VectorLinear.GROUP;

    private final PackedMatrix matrix;
    private final boolean nibbles;
    private final TileSums[] rooms;

    /// `rooms` holds one for each thread of the pool.
    CodePanels(PackedMatrix matrix, TileSums[] rooms) {
        this.matrix = matrix;
        this.nibbles = NibbleTiles.takes(matrix.format());
        this.rooms = rooms;
    }

    @Override
    public void multiply(int from, int to, Activations in, Activations out) {
        ActivationCodes codes = in.codes();
        int grouped = in.tokens() == 1 ? from : from + (to - from) / GROUP * GROUP;
        multiplyGroups(from, grouped, in, codes, out);
        for (int token = 0; token < in.tokens(); token++) {
            for (int panel = grouped; panel < to; panel++) {
                gemv(panel, codes, token, out.values(), token * out.stride() + panel * TILE);
            }
        }
        if (matrix.format().isAsymmetric()) {
            addMinima(from, to, in.tokens(), codes, out);
        }
    }

    /// Takes the tokens in stretches, and all panels over each. One token left over from the fours goes by
    /// itself.
    private void multiplyGroups(int from, int to, Activations in, ActivationCodes codes, Activations out) {
        int stretch = Math.min(TileSums.STRETCH, VectorLinear.stretch(in, TileSums.TOKENS));
        int together = in.tokens() % TileSums.TOKENS == 1 ? in.tokens() - 1 : in.tokens();
        TileSums room = rooms[ComputePool.worker()];
        for (int first = 0; first < together; first += stretch) {
            int last = Math.min(together, first + stretch);
            for (int panel = from; panel < to; panel += GROUP) {
                room.multiply(matrix, panel, codes, first, last, out);
            }
        }
        if (together < in.tokens()) {
            for (int panel = from; panel < to; panel++) {
                gemv(panel, codes, together, out.values(), together * out.stride() + panel * TILE);
            }
        }
    }

    private void gemv(int panel, ActivationCodes codes, int token, float[] out, int at) {
        if (nibbles) {
            NibbleTiles.gemv(matrix, panel, codes, token, out, at);
        } else {
            PlaneTiles.gemv(matrix, panel, codes, token, out, at);
        }
    }

    private void addMinima(int from, int to, int tokens, ActivationCodes codes, Activations out) {
        for (int panel = from; panel < to; panel++) {
            for (int token = 0; token < tokens; token++) {
                PlaneTiles.addMinima(matrix, panel, codes, token, out.values(), token * out.stride() + panel * TILE);
            }
        }
    }
}
