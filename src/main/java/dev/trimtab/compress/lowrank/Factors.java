package dev.trimtab.compress.lowrank;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.matrix.Products;
import dev.trimtab.kernel.ComputePool;
import java.util.Arrays;

/// A matrix as a product, most important direction first, so that the first k are the best of rank k.
///
/// @param left U turned, `[rank, rows]`: row k is the k-th direction, of length 1, orthogonal to the others
/// @param right `U^T W`, `[rank, columns]`
/// @param energies what each direction takes off the loss: squared singular values of the weighted matrix,
///     descending, at least 0
@SuppressWarnings("ArrayRecordComponent")
public record Factors(Matrix left, Matrix right, double[] energies) {
    public Factors {
        assert left.rows() == energies.length && right.rows() == energies.length : left.shape() + " " + right.shape();
    }

    public int rank() {
        return energies.length;
    }

    /// The first `rank` directions.
    public Factors first(int rank) {
        assert rank <= rank() : rank;
        return rank == rank()
                ? this
                : new Factors(firstRows(left, rank), firstRows(right, rank), Arrays.copyOf(energies, rank));
    }

    /// What the directions take off the loss together.
    public double energy() {
        return Arrays.stream(energies).sum();
    }

    /// The matrix that the factors stand for, `[rows, columns]`.
    public Matrix product(ComputePool pool) {
        return Products.transposedTimes(left, right, pool);
    }

    private static Matrix firstRows(Matrix matrix, int count) {
        return new Matrix(count, matrix.columns(), Arrays.copyOf(matrix.values(), count * matrix.columns()));
    }
}
