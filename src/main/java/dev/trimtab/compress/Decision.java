package dev.trimtab.compress;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;

/// What one tensor becomes, and why.
///
/// @param tensor the canonical name
/// @param shape in the checkpoint
/// @param becomes what structured pruning leaves of it; where scores decide, as large as it will be, about
/// @param stored its encoding in the checkpoint
/// @param rule the entry that won, as it is written
/// @param why by what it won, what other stages do, and where a fallback stepped in, which
public record Decision(String tensor, Shape shape, Shape becomes, Encoding stored, Held held, String rule, String why) {
    /// Bytes in memory, padding to whole tiles included.
    public long bytes() {
        return held.bytes(becomes);
    }

    /// For each weight of the checkpoint, removed ones too.
    public double bitsPerWeight() {
        return (double) Byte.SIZE * bytes() / shape.elements();
    }

    Decision because(String reason) {
        return new Decision(tensor, shape, becomes, stored, held, rule, why + "; " + reason);
    }
}
