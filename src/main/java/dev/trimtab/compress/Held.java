package dev.trimtab.compress;

import dev.trimtab.compress.recipe.Scheme;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import java.util.Locale;

/// How a tensor will lie in memory.
public sealed interface Held {
    /// Bytes that a tensor of `shape` takes.
    long bytes(Shape shape);

    /// As reports name it.
    String label();

    /// A matrix packed for the kernels; a stack of them (experts) one by one.
    record Packed(PackedFormat format) implements Held {
        @Override
        public long bytes(Shape shape) {
            long rows = shape.extents().get(shape.rank() - 2);
            return shape.rows() / rows * format.packedBytes(rows, shape.columns());
        }

        @Override
        public String label() {
            return Scheme.label(format);
        }
    }

    /// Rows that are only looked up, in the checkpoint's encoding.
    record Rows(Encoding encoding) implements Held {
        @Override
        public long bytes(Shape shape) {
            return encoding.sizeBytes(shape.elements());
        }

        @Override
        public String label() {
            return "stored " + encoding.name().toLowerCase(Locale.ROOT);
        }
    }

    /// Norms and biases, as f32.
    record Vector() implements Held {
        @Override
        public long bytes(Shape shape) {
            return shape.elements() * Float.BYTES;
        }

        @Override
        public String label() {
            return "f32";
        }
    }
}
