package dev.trimtab.checkpoint;

import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// Tensors whose bytes matter and whose values do not.
public final class TestTensors {
    private TestTensors() {}

    /// A matrix of any encoding, its bytes counted up by sevens.
    public static Tensor tensor(String name, Encoding encoding, long columns, long rows) {
        Shape shape = Shape.of(rows, columns);
        byte[] bytes = new byte[Math.toIntExact(encoding.sizeBytes(shape.elements()))];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 7);
        }
        return new Tensor(name, encoding, shape, MemorySegment.ofArray(bytes));
    }
}
