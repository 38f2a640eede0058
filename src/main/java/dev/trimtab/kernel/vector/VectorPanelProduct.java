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
    public void add(Lines lines, Rows x, Rows out, int count) {
        int t = 0;
        for (; t + 4 <= count; t += 4) {
            FloatTiles.panel4(
                    lines.values(),
                    lines.first(),
                    lines.depth(),
                    x.values(),
                    x.first() + t * x.stride(),
                    x.stride(),
                    out.values(),
                    out.first() + t * out.stride(),
                    out.stride());
        }
        for (; t + 2 <= count; t += 2) {
            FloatTiles.panel2(
                    lines.values(),
                    lines.first(),
                    lines.depth(),
                    x.values(),
                    x.first() + t * x.stride(),
                    x.stride(),
                    out.values(),
                    out.first() + t * out.stride(),
                    out.stride());
        }
        if (t < count) {
            Rows lastX = new Rows(x.values(), x.first() + t * x.stride(), x.stride());
            Rows lastOut = new Rows(out.values(), out.first() + t * out.stride(), out.stride());
            PanelProduct.plain(lines, lastX, lastOut, 1);
        }
    }
}
