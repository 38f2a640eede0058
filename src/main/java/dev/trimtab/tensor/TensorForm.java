package dev.trimtab.tensor;

import java.util.Arrays;

/// What a weight has become: data, which compression makes, kernels pack and export writes. A form that lost
/// rows or columns has lost them; nothing is masked.
///
/// Every form is a matrix `[rows, columns]` (or a stack of them, [Dense] only) that can be decoded row by row,
/// the reference that operators are held to.
public sealed interface TensorForm {
    Shape shape();

    /// Bytes that the form needs at the least: codes, scales, indices and codebooks, without padding.
    long sizeBytes();

    /// Decodes row `row` into `out[at .. at + columns)`.
    void row(long row, float[] out, int at);

    /// The `count` rows from `first`, `[count, columns]`.
    TensorForm rows(long first, long count);

    /// Every weight in one encoding, quantized or not.
    record Dense(Tensor tensor) implements TensorForm {
        @Override
        public Shape shape() {
            return tensor.shape();
        }

        @Override
        public long sizeBytes() {
            return tensor.sizeBytes();
        }

        @Override
        public void row(long row, float[] out, int at) {
            Dequantizer.decodeWeights(tensor, row, out, at);
        }

        @Override
        public TensorForm rows(long first, long count) {
            return new Dense(tensor.rows(first, count));
        }
    }

    /// Weight sharing: a weight is one of the `2^bits` centroids of its row's book. Book b serves the rows from
    /// `b * rowsPerBook`; its centroids are f16 numbers.
    ///
    /// @param bits 1..8
    /// @param centroids `[books, 2^bits]`
    /// @param indices `[rows, columns]`, one byte each here, `bits` bits once packed
    @SuppressWarnings("ArrayRecordComponent")
    record Codebook(Shape shape, int bits, int rowsPerBook, float[] centroids, byte[] indices) implements TensorForm {
        public Codebook {
            assert bits >= 1 && bits <= Byte.SIZE : bits;
            assert centroids.length == Math.ceilDiv(shape.rows(), rowsPerBook) << bits : centroids.length;
            assert indices.length == shape.elements() : indices.length;
        }

        @Override
        public long sizeBytes() {
            return Math.ceilDiv(shape.elements() * bits, Byte.SIZE) + (long) Short.BYTES * centroids.length;
        }

        @Override
        public void row(long row, float[] out, int at) {
            int columns = (int) shape.columns();
            int book = (int) (row / rowsPerBook) << bits;
            int from = (int) row * columns;
            for (int i = 0; i < columns; i++) {
                out[at + i] = centroids[book + Byte.toUnsignedInt(indices[from + i])];
            }
        }

        /// Books must begin at `first`.
        @Override
        public TensorForm rows(long first, long count) {
            assert first % rowsPerBook == 0 : first;
            int columns = (int) shape.columns();
            int from = (int) (first / rowsPerBook) << bits;
            int books = (int) Math.ceilDiv(count, rowsPerBook) << bits;
            return new Codebook(
                    Shape.of(count, columns),
                    bits,
                    rowsPerBook,
                    Arrays.copyOfRange(centroids, from, from + books),
                    Arrays.copyOfRange(indices, (int) first * columns, (int) (first + count) * columns));
        }
    }

    /// The product `left right` of `[rows, rank]` and `[rank, columns]`.
    record LowRank(TensorForm left, TensorForm right) implements TensorForm {
        public LowRank {
            assert left.shape().columns() == right.shape().rows() : left.shape() + " x " + right.shape();
        }

        public int rank() {
            return (int) right.shape().rows();
        }

        @Override
        public Shape shape() {
            return Shape.of(left.shape().rows(), right.shape().columns());
        }

        @Override
        public long sizeBytes() {
            return left.sizeBytes() + right.sizeBytes();
        }

        /// Decodes all of `right` for one row: for tests and export, not for speed.
        @Override
        public void row(long row, float[] out, int at) {
            int columns = (int) right.shape().columns();
            float[] factors = new float[rank()];
            float[] direction = new float[columns];
            left.row(row, factors, 0);
            Arrays.fill(out, at, at + columns, 0);
            for (int k = 0; k < factors.length; k++) {
                right.row(k, direction, 0);
                for (int i = 0; i < columns; i++) {
                    out[at + i] += factors[k] * direction[i];
                }
            }
        }

        @Override
        public TensorForm rows(long first, long count) {
            return new LowRank(left.rows(first, count), right);
        }
    }

    /// Vector-wise sparsity that follows the kernels' tile: of each panel of [#PANEL] rows only some columns
    /// are kept, at least one. Panel p's lie in `columns[starts[p] .. starts[p + 1])`, ascending; line i of
    /// `lines` holds the panel's weights in column `columns[i]`, zeros for rows that a last panel lacks.
    ///
    /// @param lines `[kept, 32]`
    @SuppressWarnings("ArrayRecordComponent")
    record VectorSparse(Shape shape, int[] starts, int[] columns, Tensor lines) implements TensorForm {
        /// Rows that keep or lose a column together.
        public static final int PANEL = 32;

        public VectorSparse {
            assert starts.length == Math.ceilDiv(shape.rows(), PANEL) + 1 : starts.length;
            assert lines.shape().equals(Shape.of(columns.length, PANEL)) : lines.shape();
        }

        @Override
        public long sizeBytes() {
            return (long) Integer.BYTES * starts.length + (long) Short.BYTES * columns.length + lines.sizeBytes();
        }

        @Override
        public void row(long row, float[] out, int at) {
            float[] line = new float[PANEL];
            int panel = (int) (row / PANEL);
            Arrays.fill(out, at, at + (int) shape.columns(), 0);
            for (int i = starts[panel]; i < starts[panel + 1]; i++) {
                Dequantizer.decodeRow(lines, i, line, 0);
                out[at + columns[i]] = line[(int) (row % PANEL)];
            }
        }

        /// Whole panels.
        @Override
        public TensorForm rows(long first, long count) {
            assert first % PANEL == 0 : first;
            int panel = (int) (first / PANEL);
            int last = panel + (int) Math.ceilDiv(count, PANEL);
            int from = starts[panel];
            int[] shifted = new int[last - panel + 1];
            Arrays.setAll(shifted, i -> starts[panel + i] - from);
            int kept = starts[last] - from;
            return new VectorSparse(
                    Shape.of(count, shape.columns()),
                    shifted,
                    Arrays.copyOfRange(columns, from, from + kept),
                    lines.rows(from, kept));
        }
    }

    /// `base + correction`: what compression lost, given back in part.
    record Sum(TensorForm base, TensorForm correction) implements TensorForm {
        public Sum {
            assert base.shape().equals(correction.shape()) : base.shape() + " + " + correction.shape();
        }

        @Override
        public Shape shape() {
            return base.shape();
        }

        @Override
        public long sizeBytes() {
            return base.sizeBytes() + correction.sizeBytes();
        }

        @Override
        public void row(long row, float[] out, int at) {
            int columns = (int) shape().columns();
            float[] delta = new float[columns];
            base.row(row, out, at);
            correction.row(row, delta, 0);
            for (int i = 0; i < columns; i++) {
                out[at + i] += delta[i];
            }
        }

        @Override
        public TensorForm rows(long first, long count) {
            return new Sum(base.rows(first, count), correction.rows(first, count));
        }
    }
}
