package dev.trimtab.kernel.sparse;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedMatrix;

/// A vector-wise sparse matrix multiplied by plain loops: the reference of the vector tier, which gives the
/// same bits. A row's sum runs over the panel's lines in order, `y = fma(w, s x_c, y)` with the line's column c
/// and scale s, 1 for f16.
public final class ScalarSparse implements LinearOperator {
    private final SparsePanels matrix;
    private final ComputePool pool;

    public ScalarSparse(SparsePanels matrix, ComputePool pool) {
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
        pool.run(matrix.panels(), 1, (from, to) -> {
            for (int panel = from; panel < to; panel++) {
                for (int token = 0; token < in.tokens(); token++) {
                    multiply(panel, in.values(), token * in.stride(), out.values(), token * out.stride());
                }
            }
        });
    }

    private void multiply(int panel, float[] x, int from, float[] out, int at) {
        int first = panel * SparsePanels.PANEL;
        for (int row = first; row < Math.min(matrix.rows(), first + SparsePanels.PANEL); row++) {
            int lane = PackedMatrix.lane(row - first);
            float sum = 0;
            for (int i = matrix.start(panel); i < matrix.start(panel + 1); i++) {
                float factor = x[from + matrix.columns()[i]];
                sum = Math.fma(matrix.value(i, lane), matrix.isCoded() ? matrix.scales()[i] * factor : factor, sum);
            }
            out[at + row] = sum;
        }
    }
}
