package dev.trimtab.compress;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;

/// What one tensor becomes, and why.
///
/// @param tensor the canonical name
/// @param stored its encoding in the checkpoint
/// @param rule the entry that won, as it is written
/// @param why by what it won, and where a fallback stepped in, which
public record Decision(String tensor, Shape shape, Encoding stored, Held held, String rule, String why) {
    /// Bytes in memory, padding to whole tiles included.
    public long bytes() {
        return held.bytes(shape);
    }

    public double bitsPerWeight() {
        return (double) Byte.SIZE * bytes() / shape.elements();
    }
}
