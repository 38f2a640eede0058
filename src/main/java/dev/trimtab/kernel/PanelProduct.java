package dev.trimtab.kernel;

import dev.trimtab.kernel.vector.VectorPanelProduct;

/// Sums of products over panels of floats in plain arrays, for linear algebra outside a forward pass: what a
/// matrix product, a factorization or a substitution is made of. It splits no work; callers share out panels.
public interface PanelProduct {
    /// Elements of a line, the rows of a panel.
    int LINE = PackedMatrix.TILE;

    /// For t in `[0, count)` and r in `[0, 32)`, k after k, each sum by `fma`:
    ///
    ///     out[at + t os + r] += sum_k lines[first + 32 k + r] x[from + t st + k],   0 <= k < depth
    ///
    /// `x` and `out` may be one array where the elements read and written are apart. Every tier gives the same
    /// bits.
    void add(Lines lines, Rows x, Rows out, int count);

    /// `depth` lines of 32 from `first` on.
    @SuppressWarnings("ArrayRecordComponent") // kernels' operands
    record Lines(float[] values, int first, int depth) {}

    /// Row t begins at `first + t stride`.
    @SuppressWarnings("ArrayRecordComponent")
    record Rows(float[] values, int first, int stride) {}

    /// The fastest there is.
    static PanelProduct best() {
        boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        return vectors ? VectorPanelProduct.orElse(PanelProduct::plain) : PanelProduct::plain;
    }

    /// The reference.
    static void plain(Lines lines, Rows x, Rows out, int count) {
        for (int t = 0; t < count; t++) {
            int to = out.first() + t * out.stride();
            for (int k = 0; k < lines.depth(); k++) {
                float factor = x.values()[x.first() + t * x.stride() + k];
                int line = lines.first() + k * LINE;
                for (int r = 0; r < LINE; r++) {
                    out.values()[to + r] = Math.fma(lines.values()[line + r], factor, out.values()[to + r]);
                }
            }
        }
    }
}
