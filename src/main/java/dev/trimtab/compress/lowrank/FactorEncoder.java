package dev.trimtab.compress.lowrank;

import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Stores factors as a form.
///
/// In `Q8_0` a block of 32 shares a scale. The right factor's blocks run along its long side, inside one
/// direction, which costs nothing. The left factor's run across 32 directions, whose elements are all of
/// the size of `1 / sqrt(rows)` because directions have length 1: so the singular values are left in the
/// right factor, and every direction loses the same share. (Split evenly, as `U sqrt(Sigma)`, the small ones
/// would be rounded with the scale of the large.) The rank is padded with zeros to whole blocks; kernels do
/// that to any rank, so a rank that is a multiple of 32 from the start wastes nothing.
public final class FactorEncoder {
    private static final float F16_MAX = 65_504;

    private FactorEncoder() {}

    /// The rank that costs what `rank` costs in `encoding`: rounded up to whole blocks.
    public static int storedRank(int rank, Encoding encoding) {
        return Math.ceilDiv(rank, encoding.blockElements()) * encoding.blockElements();
    }

    /// Bytes of factors for a matrix `[rows, columns]`.
    public static long sizeBytes(int rows, int columns, int rank, Encoding encoding) {
        long stored = storedRank(rank, encoding);
        return encoding.sizeBytes(rows * stored)
                + rightEncoding(encoding, columns).sizeBytes(stored * columns);
    }

    /// Encodes `factors` of the tensor `name`. The right factor is F16 where its columns are not whole blocks;
    /// a factor with numbers beyond F16's range becomes F32.
    public static TensorForm.LowRank encode(String name, Factors factors, Encoding encoding) {
        int rank = storedRank(factors.rank(), encoding);
        Matrix right = padded(factors.right(), rank);
        return new TensorForm.LowRank(
                dense(name + ".left", turned(factors.left(), rank), encoding),
                dense(name + ".right", right, rightEncoding(encoding, right.columns())));
    }

    private static Encoding rightEncoding(Encoding encoding, int columns) {
        return columns % encoding.blockElements() == 0 ? encoding : Encoding.F16;
    }

    private static TensorForm.Dense dense(String name, Matrix matrix, Encoding wanted) {
        Encoding encoding = wanted == Encoding.F32 || fitsHalf(matrix) ? wanted : Encoding.F32;
        long rowBytes = encoding.sizeBytes(matrix.columns());
        MemorySegment data = MemorySegment.ofArray(new byte[Math.toIntExact(matrix.rows() * rowBytes)]);
        for (int row = 0; row < matrix.rows(); row++) {
            int from = row * matrix.columns();
            float[] values = Arrays.copyOfRange(matrix.values(), from, from + matrix.columns());
            Quantizer.encode(encoding, values, data, row * rowBytes);
        }
        return new TensorForm.Dense(new Tensor(name, encoding, matrix.shape(), data.asReadOnly()));
    }

    private static boolean fitsHalf(Matrix matrix) {
        for (float value : matrix.values()) {
            if (Math.abs(value) > F16_MAX) {
                return false;
            }
        }
        return true;
    }

    private static Matrix padded(Matrix matrix, int rows) {
        return new Matrix(rows, matrix.columns(), Arrays.copyOf(matrix.values(), rows * matrix.columns()));
    }

    /// `[rank, rows]` to `[rows, stored]`.
    private static Matrix turned(Matrix left, int stored) {
        Matrix turned = new Matrix(left.columns(), stored);
        for (int k = 0; k < left.rows(); k++) {
            for (int row = 0; row < left.columns(); row++) {
                turned.values()[row * stored + k] = left.at(k, row);
            }
        }
        return turned;
    }
}
