package dev.trimtab.kernel;

import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;

/// A matrix whose rows are looked up: token embeddings.
public interface EmbeddingTable {
    /// A copy of `weight` in its own encoding, held by `arena`; rows are decoded as they are looked up,
    /// so the table
    /// costs no more than in the checkpoint and loses nothing.
    ///
    /// @throws Unsupported for an encoding that cannot be decoded
    static EmbeddingTable encoded(Tensor weight, Arena arena) {
        return new EncodedTable(weight, arena);
    }

    int rows();

    int columns();

    /// Bytes of memory held.
    long sizeBytes();

    /// Decodes row `row` into `out[outOffset .. outOffset + columns())`.
    void row(int row, float[] out, int outOffset);
}
