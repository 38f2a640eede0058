package dev.trimtab.compress.quantize;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.tensor.TensorForm;

/// The values that each weight of a matrix may become, fixed before any weight is rounded. Safe for several
/// threads.
interface Levels {
    /// The code whose value is nearest to `weight` at `[row, column]`, `0..255`.
    int nearest(int row, int column, float weight);

    /// What a code means there.
    float value(int row, int column, int code);

    /// The matrix that `codes`, one byte a weight, row-major, stand for.
    TensorForm form(Matrix matrix, byte[] codes);
}
