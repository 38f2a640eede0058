package dev.trimtab.kernel;

import dev.trimtab.error.Internal;

/// `y = (W + D) x` without ever forming the sum: what compression lost of a weight W is given back in part by
/// a correction D, such as a [LowRankOperator]. Both read the same activations, whose codes are made once.
///
/// The scratch is lent: whoever owns it may share it between operators of as many rows that run one after the
/// other. So an operator is for one thread at a time, [#row] included.
///
/// @param base W, `[rows, columns]`
/// @param correction D, of the same shape
/// @param kernels adds the two results
/// @param scratch room for `[tokens, rows]`; overwritten
public record SumOperator(LinearOperator base, LinearOperator correction, Kernels kernels, Activations scratch)
        implements LinearOperator {
    /// @throws Internal when the shapes do not fit each other
    public SumOperator {
        if (base.rows() != correction.rows() || base.columns() != correction.columns()) {
            throw new Internal("sum: a correction of [" + base.rows() + ", " + base.columns() + "] expected, found ["
                    + correction.rows() + ", " + correction.columns() + "]");
        }
        if (scratch.columns() != base.rows()) {
            throw new Internal("sum: scratch of " + base.rows() + " columns expected, found " + scratch.columns());
        }
    }

    @Override
    public int rows() {
        return base.rows();
    }

    @Override
    public int columns() {
        return base.columns();
    }

    @Override
    public long sizeBytes() {
        return base.sizeBytes() + correction.sizeBytes();
    }

    /// Allocates a row: the scratch is as wide as an output, not as an input.
    @Override
    public void row(int row, float[] out, int outOffset) {
        float[] delta = new float[columns()];
        correction.row(row, delta, 0);
        base.row(row, out, outOffset);
        for (int i = 0; i < delta.length; i++) {
            out[outOffset + i] += delta[i];
        }
    }

    @Override
    public void apply(Activations in, Activations out) {
        assert out != scratch && in != scratch;
        base.apply(in, out);
        correction.apply(in, scratch);
        kernels.add(out, scratch);
    }
}
