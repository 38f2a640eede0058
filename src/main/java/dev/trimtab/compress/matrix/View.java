package dev.trimtab.compress.matrix;

/// A rectangle of a row-major array, perhaps seen turned: element (i, j) is
/// `values[start + i * rowStride + j * columnStride]`.
@SuppressWarnings("ArrayRecordComponent") // a view on purpose
record View(float[] values, int start, int rows, int columns, int rowStride, int columnStride) {
    static View of(Matrix matrix) {
        return new View(matrix.values(), 0, matrix.rows(), matrix.columns(), matrix.columns(), 1);
    }

    View transposed() {
        return new View(values, start, columns, rows, columnStride, rowStride);
    }

    /// The `rows` rows and `columns` columns from (`row`, `column`).
    View part(int row, int column, int rows, int columns) {
        assert row + rows <= this.rows && column + columns <= this.columns : this;
        return new View(values, index(row, column), rows, columns, rowStride, columnStride);
    }

    int index(int row, int column) {
        return start + row * rowStride + column * columnStride;
    }
}
