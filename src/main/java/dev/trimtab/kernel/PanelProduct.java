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
    /// bits, whatever `count`.
    void add(Lines lines, float[] x, int from, int st, float[] out, int at, int os, int count);

    /// `depth` lines of 32 from `first` on. The array is not copied.
    @SuppressWarnings("ArrayRecordComponent") // a kernel's operand
    record Lines(float[] values, int first, int depth) {}

    /// The fastest there is.
    static PanelProduct best() {
        boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        return vectors ? VectorPanelProduct.orElse(PanelProduct::plain) : PanelProduct::plain;
    }

    /// The reference.
    static void plain(Lines lines, float[] x, int from, int st, float[] out, int at, int os, int count) {
        float[] w = lines.values();
        for (int t = 0; t < count; t++) {
            int to = at + t * os;
            for (int k = 0; k < lines.depth(); k++) {
                float factor = x[from + t * st + k];
                int line = lines.first() + k * LINE;
                for (int r = 0; r < LINE; r++) {
                    out[to + r] = Math.fma(w[line + r], factor, out[to + r]);
                }
            }
        }
    }
}
