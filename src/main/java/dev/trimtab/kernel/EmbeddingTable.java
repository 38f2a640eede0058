package dev.trimtab.kernel;

/// A matrix whose rows are looked up: token embeddings.
public interface EmbeddingTable {
    int rows();

    int columns();

    /// Bytes of memory held.
    long sizeBytes();

    /// Decodes row `row` into `out[outOffset .. outOffset + columns())`.
    void row(int row, float[] out, int outOffset);
}
