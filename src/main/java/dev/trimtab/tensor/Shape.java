package dev.trimtab.tensor;

import dev.trimtab.error.Internal;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// The extents of a tensor, outermost first, so that a matrix is `[rows, columns]` = `[out features, in features]` and
/// a
/// row is contiguous. GGUF writes them the other way round; its reader turns them.
///
/// Invariant: one to [#RANK_MAX] extents, each at least 1, whose product fits a `long`.
public record Shape(List<Long> extents) {
    /// ggml's `GGML_MAX_DIMS`.
    public static final int RANK_MAX = 4;

    public Shape {
        extents = List.copyOf(extents);
        if (extents.isEmpty() || extents.size() > RANK_MAX || extents.stream().anyMatch(extent -> extent < 1)) {
            throw new Internal("shape of 1.." + RANK_MAX + " positive extents expected, found " + extents);
        }
        if (product(extents) < 0) {
            throw new Internal("shape " + extents + " has too many elements");
        }
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
        return extents.stream().reduce(1L, Math::multiplyExact);
    }
}
