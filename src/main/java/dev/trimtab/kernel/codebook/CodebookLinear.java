package dev.trimtab.kernel.codebook;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PanelProduct;
import dev.trimtab.kernel.PanelProduct.Lines;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.util.Arrays;

/// Codebook weights times the activations as they are: a stretch of a panel is decoded once and multiplied with
/// all tokens, `y = fma(w_c, x_c, y)` column after column, so that a token's numbers are the same in any batch and
/// in every tier.
public final class CodebookLinear implements LinearOperator {
    private static final int PANEL = PackedCodebook.PANEL;

    /// Columns decoded at a time: 128 KiB of lines, a part of any processor's second-level cache.
    private static final int STRETCH = 1024;

    private final PackedCodebook codebook;
    private final PanelProduct product;
    private final ComputePool pool;
    private final Room[] rooms;

    /// Scratch of one thread: lines, and the books of a panel.
    @SuppressWarnings("ArrayRecordComponent") // scratch, shared on purpose
    private record Room(Lines whole, Lines last, float[] books, int[] starts) {}

    /// Packs `form` into memory of `arena`.
    public CodebookLinear(TensorForm.Codebook form, PanelProduct product, ComputePool pool, Arena arena) {
        this.codebook = PackedCodebook.pack(form, pool, arena);
        this.product = product;
        this.pool = pool;
        this.rooms = new Room[pool.threads()];
        Arrays.setAll(rooms, _ -> room());
    }

    private Room room() {
        int columns = codebook.columns();
        float[] lines = new float[Math.min(STRETCH, columns) * PANEL];
        Lines whole = new Lines(lines, 0, Math.min(STRETCH, columns));
        return new Room(whole, new Lines(lines, 0, columns % STRETCH), new float[codebook.booksRoom()], new int[PANEL]);
    }

    @Override
    public int rows() {
        return codebook.rows();
    }

    @Override
    public int columns() {
        return codebook.columns();
    }

    @Override
    public long sizeBytes() {
        return codebook.sizeBytes();
    }

    @Override
    public void row(int row, float[] out, int outOffset) {
        codebook.row(row, out, outOffset);
    }

    @Override
    public void apply(Activations in, Activations out) {
        assert in.columns() == columns() && out.columns() == rows() && in != out;
        out.reset(in.tokens());
        pool.run(codebook.panels(), 1, (from, to) -> {
            Room room = rooms[ComputePool.worker()];
            for (int panel = from; panel < to; panel++) {
                multiply(panel, room, in, out);
            }
        });
    }

    private void multiply(int panel, Room room, Activations in, Activations out) {
        int at = panel * PANEL;
        for (int token = 0; token < in.tokens(); token++) {
            Arrays.fill(out.values(), token * out.stride() + at, token * out.stride() + at + PANEL, 0);
        }
        codebook.books(panel, room.books(), room.starts());
        for (int column = 0; column < columns(); column += STRETCH) {
            Lines lines = columns() - column < STRETCH ? room.last() : room.whole();
            codebook.decode(panel, column, column + lines.depth(), room.books(), room.starts(), lines.values());
            product.add(lines, in.values(), column, in.stride(), out.values(), at, out.stride(), in.tokens());
        }
        if (at + PANEL > rows()) {
            clearPadding(out);
        }
    }

    /// The rows that the last panel lacks are its last book's first value times x.
    private void clearPadding(Activations out) {
        for (int token = 0; token < out.tokens(); token++) {
            Arrays.fill(out.values(), token * out.stride() + rows(), (token + 1) * out.stride(), 0);
        }
    }
}
