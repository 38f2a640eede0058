package dev.trimtab.kernel;

import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Rows held in the checkpoint's own encoding.
final class EncodedTable implements EmbeddingTable {
    private final Tensor table;

    EncodedTable(Tensor weight, Arena arena) {
        if (!Dequantizer.canDecode(weight.encoding())) {
            throw new Unsupported(weight.name() + ": encoding " + weight.encoding() + " cannot be decoded");
        }
        MemorySegment copy = arena.allocate(weight.sizeBytes());
        copy.copyFrom(weight.data());
        this.table = new Tensor(weight.name(), weight.encoding(), weight.shape(), copy);
    }

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
