package dev.trimtab.tensor;

import dev.trimtab.error.Internal;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/// The extents of a tensor, outermost first, so that a matrix is `[rows, columns]` = `[out features, in
/// features]` and a row is contiguous. GGUF writes them the other way round; its reader turns them.
///
/// Invariant: one to [#RANK_MAX] extents, each at least 1, whose product fits a `long`.
public record Shape(List<Long> extents) {
    /// ggml's `GGML_MAX_DIMS`.
    public static final int RANK_MAX = 4;

    /// @throws ArithmeticException when the product does not fit a `long`
    public Shape {
        extents = List.copyOf(extents);
        if (extents.isEmpty() || extents.size() > RANK_MAX || Collections.min(extents) < 1) {
            throw new Internal("shape of 1.." + RANK_MAX + " positive extents expected, found " + extents);
        }
        product(extents);
    }

    public static Shape of(long... extents) {
        return new Shape(Arrays.stream(extents).boxed().toList());
    }

    public int rank() {
        return extents.size();
    }

    /// Product of the extents.
    public long elements() {
        return product(extents);
    }

    /// Number of contiguous rows: the product of all extents but the last; 1 for a vector.
    public long rows() {
        return elements() / columns();
    }

    /// Length of a row: the last extent.
    public long columns() {
        return extents.getLast();
    }

    @Override
    public String toString() {
        return extents.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    }

    private static long product(List<Long> extents) {
        long product = 1;
        for (long extent : extents) {
            product = Math.multiplyExact(product, extent);
        }
        return product;
    }
}
