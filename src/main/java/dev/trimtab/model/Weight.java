package dev.trimtab.model;

import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.TensorForm;

/// A weight that may still have to be made: a source's tensor, or some of its rows, as the wiring uses it.
///
/// @param shape of the whole tensor, all but the last extent counting as rows
record Weight(WeightSource source, String name, Shape shape, long firstRow, long rows) {
    /// The whole tensor.
    Weight(WeightSource source, String name, Shape shape) {
        this(source, name, shape, 0, shape.rows());
    }

    /// The `count` rows from `first` of this one.
    Weight rows(long first, long count) {
        return new Weight(source, name, shape, firstRow + first, count);
    }

    private boolean isWhole() {
        return rows == shape.rows();
    }

    /// Names the content; known without making it.
    String address() {
        String whole = source.address(name);
        return isWhole() ? whole : whole + " rows " + firstRow + "+" + rows;
    }

    /// Makes it.
    TensorForm form() {
        TensorForm whole = source.form(name);
        return isWhole() ? whole : whole.rows(firstRow, rows);
    }
}
