package dev.trimtab.kernel.adapter;

import dev.trimtab.kernel.LinearOperator;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// An adapter packed for one model: the factors of the matrices it changes, by [AdapterSite#index()].
///
/// Immutable; the memory is that of whoever packed it.
public final class PackedAdapter {
    private final int id;
    private final @Nullable Factors[] factors;

    /// `y += scale B (A x)`.
    ///
    /// @param a `[rank, columns]`
    /// @param b `[rows, rank]`
    public record Factors(LinearOperator a, LinearOperator b, float scale) {
        public Factors {
            assert a.rows() == b.columns() : a.rows() + " != " + b.columns();
        }

        int rank() {
            return a.rows();
        }
    }

    /// `id` tells it from every other of the model, past ones included; `factors` has null for what it leaves as
    /// it is, and is not copied.
    public PackedAdapter(int id, @Nullable Factors[] factors) {
        this.id = id;
        this.factors = factors;
    }

    public int id() {
        return id;
    }

    @Nullable
    Factors factors(int site) {
        return factors[site];
    }

    /// Bytes of memory held.
    public long sizeBytes() {
        return Arrays.stream(factors)
                .filter(found -> found != null)
                .mapToLong(found -> found.a().sizeBytes() + found.b().sizeBytes())
                .sum();
    }
}
