package dev.trimtab.model;

import dev.trimtab.kernel.PackedFormat;
import java.util.Optional;

/// How the matrices of a checkpoint are to be packed, by their canonical names.
@FunctionalInterface
public interface WeightFormats {
    /// Every weight as its encoding has it: exactly where activations are exact too, else in the nearest
    /// format that is multiplied as it lies; rows that are only looked up stay as stored.
    WeightFormats AS_STORED = _ -> Optional.empty();

    /// The format of the tensor `name`; empty leaves it as stored.
    Optional<PackedFormat> of(String name);

    /// Every matrix in `format`.
    static WeightFormats uniform(PackedFormat format) {
        return _ -> Optional.of(format);
    }
}
