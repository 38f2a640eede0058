package dev.trimtab.kernel;

import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// A matrix whose rows are looked up: token embeddings.
public interface EmbeddingTable {
    /// A copy of `weight` in its own encoding, held by `arena`; rows are decoded as they are looked up, so
    /// the table costs no more than in the checkpoint and loses nothing.
    ///
    /// @throws Unsupported for an encoding that cannot be decoded
    static EmbeddingTable encoded(Tensor weight, Arena arena) {
        if (!Dequantizer.canDecode(weight.encoding())) {
            throw new Unsupported(weight.name() + ": encoding " + weight.encoding() + " cannot be decoded");
        }
        MemorySegment copy = arena.allocate(weight.sizeBytes());
        copy.copyFrom(weight.data());
        return new Encoded(new Tensor(weight.name(), weight.encoding(), weight.shape(), copy));
    }

    int rows();

    int columns();

    /// Bytes of memory held.
    long sizeBytes();

    /// Decodes row `row` into `out[outOffset .. outOffset + columns())`.
    void row(int row, float[] out, int outOffset);

    /// Rows in a checkpoint's encoding.
    record Encoded(Tensor table) implements EmbeddingTable {
        @Override
        public int rows() {
            return Math.toIntExact(table.shape().rows());
        }

        @Override
        public int columns() {
            return Math.toIntExact(table.shape().columns());
        }

        @Override
        public long sizeBytes() {
            return table.sizeBytes();
        }

        @Override
        public void row(int row, float[] out, int outOffset) {
            Dequantizer.decodeRow(table, row, out, outOffset);
        }
    }
}
