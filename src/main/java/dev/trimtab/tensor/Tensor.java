package dev.trimtab.tensor;

import dev.trimtab.error.Internal;
import java.lang.foreign.MemorySegment;

/// A named tensor as it lies in a checkpoint: `data` is exactly its bytes, row-major, little-endian,
/// read-only.
///
/// A tensor is a view: whoever opened the checkpoint owns the memory, and the view dies with it.
public record Tensor(String name, Encoding encoding, Shape shape, MemorySegment data) {
    public Tensor {
        long sizeBytes = encoding.sizeBytes(shape.elements());
        if (data.byteSize() != sizeBytes) {
            throw new Internal(name + ": " + sizeBytes + " bytes expected, found " + data.byteSize());
        }
    }

    public long sizeBytes() {
        return data.byteSize();
    }

    /// The `count` rows from `first`, `[count, columns]`, all but the last extent counting as rows; a view
    /// too. Rows must be whole blocks.
    public Tensor rows(long first, long count) {
        long rowBytes = encoding.sizeBytes(shape.columns());
        MemorySegment slice = data.asSlice(first * rowBytes, count * rowBytes);
        return new Tensor(name, encoding, Shape.of(count, shape.columns()), slice);
    }
}
