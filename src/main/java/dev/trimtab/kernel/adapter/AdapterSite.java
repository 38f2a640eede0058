package dev.trimtab.kernel.adapter;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.Kernels;
import org.jspecify.annotations.Nullable;

/// One matrix of a model that adapters can change: `rows` from `firstRow` of the weight `name`.
///
/// Its rooms are made when the first adapter passes, and kept.
public final class AdapterSite {
    /// Tokens corrected at a time. More would not make the products faster, and rooms are this long.
    static final int ROWS_MAX = 64;

    private final AdapterPass pass;
    private final int index;
    private final String name;
    private final int firstRow;
    private final int rows;
    private final int columns;
    private final AdapterPass.Tokens tokens;
    private @Nullable Rooms rooms;

    AdapterSite(AdapterPass pass, int index, Part part, AdapterPass.Tokens tokens) {
        this.pass = pass;
        this.index = index;
        this.name = part.name();
        this.firstRow = part.firstRow();
        this.rows = part.rows();
        this.columns = part.columns();
        this.tokens = tokens;
    }

    /// Inputs of the tokens that are corrected, and their corrections.
    private record Rooms(Activations gathered, Activations delta) {}

    /// Which rows of which weight.
    public record Part(String name, int firstRow, int rows, int columns) {}

    public int index() {
        return index;
    }

    /// The weight's canonical name.
    public String name() {
        return name;
    }

    public int firstRow() {
        return firstRow;
    }

    public int rows() {
        return rows;
    }

    /// Adds to `out`, which is `W in`, what the adapters of the pass say. Tokens without an adapter are not
    /// touched.
    public void addTo(Kernels kernels, Activations in, Activations out) {
        for (int i = 0; i < pass.activeCount(); i++) {
            PackedAdapter.Factors factors = pass.active(i).factors(index);
            if (factors != null) {
                add(kernels, factors, pass.share(i, tokens), in, out);
            }
        }
    }

    private void add(
            Kernels kernels, PackedAdapter.Factors factors, AdapterPass.Share share, Activations in, Activations out) {
        if (rooms == null) {
            rooms = new Rooms(pass.room(AdapterPass.Use.GATHERED, columns), pass.room(AdapterPass.Use.DELTA, rows));
        }
        Activations x = rooms.gathered();
        Activations y = rooms.delta();
        Activations middle = pass.room(factors.rank());
        for (int from = 0; from < share.count(); from += ROWS_MAX) {
            int count = share.take(from, factors.scale());
            x.reset(count);
            for (int i = 0; i < count; i++) {
                System.arraycopy(
                        in.values(), share.chunkRows()[i] * in.stride(), x.values(), i * x.stride(), x.stride());
            }
            factors.a().apply(x, middle);
            factors.b().apply(middle, y);
            kernels.addRows(out, share.chunkRows(), share.chunkWeights(), y);
        }
    }
}
