package dev.trimtab.compress;

import dev.trimtab.compress.recipe.Scheme;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;
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

    /// A packed matrix and a correction of rank `rank`, whose factors are int8.
    record Corrected(Held base, int rank) implements Held {
        @Override
        public long bytes(Shape shape) {
            return base.bytes(shape)
                    + PackedFormat.INT8.packedBytes(shape.rows(), rank)
                    + PackedFormat.INT8.packedBytes(rank, shape.columns());
        }

        @Override
        public String label() {
            return base.label() + " + rank " + rank;
        }
    }

    /// Two packed factors of rank `rank`.
    record Factors(PackedFormat format, int rank) implements Held {
        @Override
        public long bytes(Shape shape) {
            return format.packedBytes(shape.rows(), rank) + format.packedBytes(rank, shape.columns());
        }

        @Override
        public String label() {
            return Scheme.label(format) + " of rank " + rank;
        }
    }

    /// Of each 32 rows a share of the columns, in int8, each with a scale and its number.
    record Lines(double density) implements Held {
        @Override
        public long bytes(Shape shape) {
            long panels = Math.ceilDiv(shape.rows(), TensorForm.VectorSparse.PANEL);
            long lines = panels * Math.round(density * shape.columns());
            return lines * (Encoding.Q8_0.blockBytes() + Short.BYTES);
        }

        @Override
        public String label() {
            return String.format(Locale.ROOT, "int8, %.0f %% of lines", 100 * density);
        }
    }

    /// Nothing: it is removed.
    record Gone() implements Held {
        @Override
        public long bytes(Shape shape) {
            return 0;
        }

        @Override
        public String label() {
            return "removed";
        }
    }

    /// Indices into the centroids of each row, or of a few rows.
    record Shared(int bits) implements Held {
        @Override
        public long bytes(Shape shape) {
            return shape.elements() * bits / Byte.SIZE + (shape.rows() << bits) * Short.BYTES;
        }

        @Override
        public String label() {
            return "codebook of " + (1 << bits);
        }
    }
}
