package dev.trimtab.compress.matrix;

import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PanelProduct;
import dev.trimtab.kernel.PanelProduct.Lines;
import java.util.Optional;

/// The factor R of a symmetric positive definite matrix, `H = R R^T` with R upper triangular: Cholesky's with
/// rows and columns taken from the last to the first.
///
///     R_kk^2 = H_kk - sum_(l>k) R_kl^2
///     R_jk = (H_jk - sum_(l>k) R_jl R_kl) / R_kk,   j < k
///
/// It is held, and made in place, as panels of 32 columns, `[n / 32][n][32]`, padded by a unit diagonal: so that
/// a panel is at once lines of a [PanelProduct] and rows of another. `n^2` floats are all it takes; the time is
/// `n^3 / 6` multiply-adds.
public final class UpperFactor {
    /// Columns of a panel.
    public static final int PANEL = PanelProduct.LINE;

    /// Its `n^2` floats must fit one array.
    public static final int SIZE_MAX = 46_304;

    /// Rows of a chunk of work, so that their part of a panel, 8 KiB, stays in the first-level cache.
    private static final int CHUNK_TILES = 2;

    private final int size;
    private final int padded;
    private final float[] panels;

    /// The matrix to factorize: asked for `row <= column` only.
    @FunctionalInterface
    public interface Entries {
        float at(int row, int column);
    }

    private UpperFactor(int size, Entries entries) {
        this.size = size;
        this.padded = Math.ceilDiv(size, PANEL) * PANEL;
        this.panels = new float[padded * padded];
        for (int first = 0; first < padded; first += PANEL) {
            for (int row = 0; row < first + PANEL; row++) {
                for (int column = Math.max(first, row); column < first + PANEL; column++) {
                    panels[index(row, column)] = column < size ? entries.at(row, column) : row == column ? 1 : 0;
                }
            }
        }
    }

    /// Factorizes; empty where the matrix is not positive definite, in floats, or not finite.
    ///
    /// @throws Unsupported beyond [#SIZE_MAX]
    public static Optional<UpperFactor> of(int size, Entries entries, ComputePool pool) {
        if (size > SIZE_MAX) {
            throw new Unsupported("a factor of at most " + SIZE_MAX + " columns expected, found " + size);
        }
        UpperFactor factor = new UpperFactor(size, entries);
        return factor.factorize(pool) ? Optional.of(factor) : Optional.empty();
    }

    public int size() {
        return size;
    }

    /// [#size()] and padding, whole panels.
    public int padded() {
        return padded;
    }

    /// `R_jk` for `row <= column`.
    public float at(int row, int column) {
        return panels[index(row, column)];
    }

    /// Rows `[row, row + depth)` of panel `panel`, as lines; zero or unspecified below the diagonal.
    public Lines lines(int panel, int row, int depth) {
        return new Lines(panels, (panel * padded + row) * PANEL, depth);
    }

    /// Divides each column by its diagonal element.
    public void divideByDiagonal() {
        for (int column = 0; column < padded; column++) {
            float inverse = 1 / at(column, column);
            for (int row = 0; row < column; row++) {
                panels[index(row, column)] *= inverse;
            }
            panels[index(column, column)] = 1;
        }
    }

    private int index(int row, int column) {
        return (column / PANEL * padded + row) * PANEL + column % PANEL;
    }

    private boolean factorize(ComputePool pool) {
        PanelProduct product = PanelProduct.best();
        float[] lines = new float[padded * PANEL];
        for (int panel = padded / PANEL - 1; panel >= 0; panel--) {
            int current = panel;
            turn(panel, lines);
            pool.run(panel + 1, CHUNK_TILES, (from, to) -> subtract(current, from, to, lines, product));
            if (!factorizeTile(panel)) {
                return false;
            }
            pool.run(panel, CHUNK_TILES, (from, to) -> solve(current, from * PANEL, to * PANEL));
        }
        return true;
    }

    /// What lies right of panel `panel` in its own 32 rows, turned and negative: line l holds `-R_kl` of the rows
    /// k.
    private void turn(int panel, float[] lines) {
        for (int l = (panel + 1) * PANEL; l < padded; l++) {
            for (int k = 0; k < PANEL; k++) {
                lines[l * PANEL + k] = -at(panel * PANEL + k, l);
            }
        }
    }

    /// `H_jk -= sum_(l beyond the panel) R_jl R_kl` for the rows j of tiles `[from, to)`.
    private void subtract(int panel, int from, int to, float[] lines, PanelProduct product) {
        for (int tile = from; tile < to; tile += CHUNK_TILES) {
            int row = tile * PANEL;
            int count = Math.min(CHUNK_TILES, to - tile) * PANEL;
            for (int right = panel + 1; right < padded / PANEL; right++) {
                Lines turned = new Lines(lines, right * PANEL * PANEL, PANEL);
                int at = index(row, right * PANEL);
                product.add(turned, panels, at, PANEL, panels, index(row, panel * PANEL), PANEL, count);
            }
        }
    }

    /// The tile on the diagonal; false where a pivot is not positive.
    private boolean factorizeTile(int panel) {
        int first = panel * PANEL;
        for (int k = first + PANEL - 1; k >= first; k--) {
            double pivot = at(k, k);
            for (int l = k + 1; l < first + PANEL; l++) {
                pivot -= (double) at(k, l) * at(k, l);
            }
            if (!(pivot > 0 && pivot < Float.POSITIVE_INFINITY)) {
                return false;
            }
            panels[index(k, k)] = (float) Math.sqrt(pivot);
            solveColumn(first, k, first, k);
        }
        return true;
    }

    /// `R_jk` for the rows `[from, to)` above the tile.
    private void solve(int panel, int from, int to) {
        int first = panel * PANEL;
        for (int j = from; j < to; j++) {
            for (int k = first + PANEL - 1; k >= first; k--) {
                solveColumn(first, k, j, j + 1);
            }
        }
    }

    private void solveColumn(int first, int k, int from, int to) {
        for (int j = from; j < to; j++) {
            double sum = at(j, k);
            for (int l = k + 1; l < first + PANEL; l++) {
                sum -= (double) at(j, l) * at(k, l);
            }
            panels[index(j, k)] = (float) (sum / at(k, k));
        }
    }
}
