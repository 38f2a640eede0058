package dev.trimtab.compress.matrix;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;

/// A weight `[rows, columns]` decoded, row-major; a row makes one output. The array is not copied.
@SuppressWarnings("ArrayRecordComponent")
public record Matrix(int rows, int columns, float[] values) {
    public Matrix {
        assert values.length == Math.multiplyExact(rows, columns) : values.length;
    }

    /// Zeros.
    public Matrix(int rows, int columns) {
        this(rows, columns, new float[Math.multiplyExact(rows, columns)]);
    }

    /// Decodes `form`, named `name` in messages.
    ///
    /// @throws BadCheckpoint where a weight is not a finite number
    public static Matrix of(String name, TensorForm form) {
        Shape shape = form.shape();
        Matrix matrix = new Matrix(Math.toIntExact(shape.rows()), Math.toIntExact(shape.columns()));
        for (int row = 0; row < matrix.rows; row++) {
            form.row(row, matrix.values, row * matrix.columns);
        }
        if (!(form instanceof TensorForm.Dense)) { // whose rows are checked as they are decoded
            matrix.requireFinite(name);
        }
        return matrix;
    }

    /// Checks a matrix that was not decoded by [#of].
    ///
    /// @throws BadCheckpoint where a weight is not a finite number
    public void requireFinite(String name) {
        for (int row = 0; row < rows; row++) {
            Dequantizer.requireFinite(name, row, values, row * columns, columns);
        }
    }

    public float at(int row, int column) {
        return values[row * columns + column];
    }

    /// The columns `kept`, ascending, `[rows, kept.length]`.
    public Matrix keepColumns(int[] kept) {
        Matrix left = new Matrix(rows, kept.length);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < kept.length; i++) {
                left.values[row * kept.length + i] = at(row, kept[i]);
            }
        }
        return left;
    }

    public Shape shape() {
        return Shape.of(rows, columns);
    }

    public Matrix copy() {
        return new Matrix(rows, columns, values.clone());
    }

    /// `this - other`, of the same shape.
    public Matrix minus(Matrix other) {
        assert rows == other.rows && columns == other.columns : shape() + " - " + other.shape();
        Matrix difference = copy();
        for (int i = 0; i < values.length; i++) {
            difference.values[i] -= other.values[i];
        }
        return difference;
    }
}
