package dev.trimtab.kernel.vector;

import dev.trimtab.kernel.PanelProduct;

/// Panels of floats by the kernels of [FloatTiles]: four rows at a time, then two, then one.
public final class VectorPanelProduct implements PanelProduct {
    private VectorPanelProduct() {}

    /// This, or `other` where vectors are too narrow.
    public static PanelProduct orElse(PanelProduct other) {
        return VectorKernels.available() ? new VectorPanelProduct() : other;
    }

    @Override
    public void add(Lines lines, float[] x, int from, int st, float[] out, int at, int os, int count) {
        float[] w = lines.values();
        int first = lines.first();
        int depth = lines.depth();
        int t = 0;
        for (; t + 4 <= count; t += 4) {
            FloatTiles.panel4(w, first, depth, x, from + t * st, st, out, at + t * os, os);
        }
        if (t + 2 <= count) {
            FloatTiles.panel2(w, first, depth, x, from + t * st, st, out, at + t * os, os);
            t += 2;
        }
        if (t < count) {
            FloatTiles.panel1(w, first, depth, x, from + t * st, out, at + t * os);
        }
    }
}
