package dev.trimtab.kernel;

import dev.trimtab.error.Internal;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// `y = B (A x)` for a left factor B `[rows, rank]` and a right factor A `[rank, columns]`, each packed by
/// itself: `rank (rows + columns)` multiply-adds a token instead of `rows columns`.
///
/// The scratch is lent: whoever owns it may share it between operators of one rank that run one after the
/// other. So an operator is for one thread at a time, [#row] included.
public final class LowRankOperator implements LinearOperator {
    private final LinearOperator left;
    private final LinearOperator right;
    private final Activations scratch;

    /// A decoded, `[rank, columns]`, from the first look-up of a row on.
    private float @Nullable [] directions;

    /// @param scratch room for `[tokens, rank]`; overwritten
    /// @throws Internal when the shapes do not fit each other
    public LowRankOperator(LinearOperator left, LinearOperator right, Activations scratch) {
        if (left.columns() != right.rows()) {
            throw new Internal(
                    "low rank: a right factor of " + left.columns() + " rows expected, found " + right.rows());
        }
        if (scratch.columns() != right.rows()) {
            throw new Internal(
                    "low rank: scratch of " + right.rows() + " columns expected, found " + scratch.columns());
        }
        this.left = left;
        this.right = right;
        this.scratch = scratch;
    }

    public int rank() {
        return right.rows();
    }

    @Override
    public int rows() {
        return left.rows();
    }

    @Override
    public int columns() {
        return right.columns();
    }

    @Override
    public long sizeBytes() {
        return left.sizeBytes() + right.sizeBytes();
    }

    /// Row i of B times A. The first call decodes A, which from then on takes `4 rank columns` bytes more:
    /// embeddings are looked up for every token.
    @Override
    public void row(int row, float[] out, int outOffset) {
        float[] a = decodedRight();
        float[] factors = new float[rank()];
        left.row(row, factors, 0);
        Arrays.fill(out, outOffset, outOffset + columns(), 0);
        for (int k = 0; k < factors.length; k++) {
            int from = k * columns();
            for (int i = 0; i < columns(); i++) {
                out[outOffset + i] += factors[k] * a[from + i];
            }
        }
    }

    private float[] decodedRight() {
        float[] decoded = directions;
        if (decoded == null) {
            decoded = new float[Math.multiplyExact(rank(), columns())];
            for (int k = 0; k < rank(); k++) {
                right.row(k, decoded, k * columns());
            }
            directions = decoded;
        }
        return decoded;
    }

    @Override
    public void apply(Activations in, Activations out) {
        assert out != scratch && in != scratch;
        right.apply(in, scratch);
        left.apply(scratch, out);
    }
}
