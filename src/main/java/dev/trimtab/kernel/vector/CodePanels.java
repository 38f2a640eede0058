package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.ActivationCodes;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedMatrix;
import java.util.Arrays;

/// Codes times int8 activations: one token panel by panel, several over groups of four panels.
final class CodePanels implements VectorLinear.Multiplication {
    private static final int TILE = PackedMatrix.TILE;

    /// Panels that a kernel of several tokens takes.
    private static final int GROUP = VectorLinear.GROUP;

    private final PackedMatrix matrix;
    private final boolean nibbles;
    private final short[][] rooms;

    /// `rooms` holds [TileSums#room()] for each thread of the pool.
    CodePanels(PackedMatrix matrix, short[][] rooms) {
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

    /// Takes the tokens in stretches, and all panels over each. An odd token at the end goes by itself.
    private void multiplyGroups(int from, int to, Activations in, ActivationCodes codes, Activations out) {
        int stretch = VectorLinear.stretch(in, TileSums.TOKENS);
        int even = in.tokens() / 2 * 2;
        for (int first = 0; first < even; first += stretch) {
            int last = Math.min(even, first + stretch);
            for (int panel = from; panel < to; panel += GROUP) {
                gemm(panel, codes, first, last, out);
            }
        }
        if (even < in.tokens()) {
            for (int panel = from; panel < to; panel++) {
                gemv(panel, codes, even, out.values(), even * out.stride() + panel * TILE);
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

    private void gemm(int panel, ActivationCodes codes, int from, int to, Activations out) {
        float[] y = out.values();
        short[] room = rooms[ComputePool.worker()];
        int os = out.stride();
        int at = panel * TILE;
        for (int token = from; token < to; token++) {
            Arrays.fill(y, token * os + at, token * os + at + GROUP * TILE, 0);
        }
        if (nibbles) {
            NibbleTiles.gemm(matrix, panel, codes, from, to, y, at, os, room);
        } else {
            PlaneTiles.gemm(matrix, panel, codes, from, to, y, at, os, room);
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
