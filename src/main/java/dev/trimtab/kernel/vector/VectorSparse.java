package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.sparse.SparsePanels;

/// A vector-wise sparse matrix multiplied by SIMD kernels, panels shared out over the compute pool: one token,
/// or four at a time. A group of two or three is padded; the surplus falls into the spare rows of
/// [Activations].
final class VectorSparse implements LinearOperator {
    private static final int PANEL = SparsePanels.PANEL;

    /// Tokens of the larger kernels.
    private static final int GROUP = 4;

    /// Multiply-adds of the smallest chunk, as [VectorLinear] has it.
    private static final long SHARED_MACS = 1 << 17;

    private final SparsePanels matrix;
    private final ComputePool pool;

    VectorSparse(SparsePanels matrix, ComputePool pool) {
        this.matrix = matrix;
        this.pool = pool;
    }

    @Override
    public int rows() {
        return matrix.rows();
    }

    @Override
    public int columns() {
        return matrix.width();
    }

    @Override
    public long sizeBytes() {
        return matrix.sizeBytes();
    }

    @Override
    public void row(int row, float[] out, int outOffset) {
        matrix.row(row, out, outOffset);
    }

    @Override
    public void apply(Activations in, Activations out) {
        assert in.columns() == columns() && out.columns() == rows() && in != out;
        out.reset(in.tokens());
        if (in.tokens() == 0) {
            return;
        }
        int panels = matrix.panels();
        long macs = (long) PANEL * Math.ceilDiv(matrix.columns().length, panels) * in.tokens();
        int grain = (int) Math.max(1, SHARED_MACS / macs);
        pool.run(panels, grain, (from, to) -> {
            multiply(from, to, in, out);
            if (to == panels) {
                VectorLinear.clearPadding(out);
            }
        });
    }

    /// Takes the tokens in stretches, and all panels over each.
    private void multiply(int from, int to, Activations in, Activations out) {
        int stretch = VectorLinear.stretch(in, GROUP);
        for (int first = 0; first < in.tokens(); first += stretch) {
            int last = Math.min(in.tokens(), first + stretch);
            for (int panel = from; panel < to; panel++) {
                for (int token = first; token < last; token += GROUP) {
                    multiply(panel, token, last - token, in, out);
                }
            }
        }
    }

    private void multiply(int panel, int token, int tokens, Activations in, Activations out) {
        float[] x = in.values();
        int from = token * in.stride();
        int at = token * out.stride() + panel * PANEL;
        if (tokens == 1) {
            if (matrix.isCoded()) {
                SparseTiles.gemvCodes(matrix, panel, x, from, out.values(), at);
            } else {
                SparseTiles.gemvHalves(matrix, panel, x, from, out.values(), at);
            }
        } else if (matrix.isCoded()) {
            SparseTiles.gemv4Codes(matrix, panel, x, from, in.stride(), out.values(), at, out.stride());
        } else {
            SparseTiles.gemv4Halves(matrix, panel, x, from, in.stride(), out.values(), at, out.stride());
        }
    }
}
