package dev.trimtab.checkpoint.adapter;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;

/// What an adapter adds to one matrix W: `W x + u scale B (A x)`, u being the user's scale (LoRA, Hu et al. 2021,
/// section 4.1).
///
/// Invariant: both factors are matrices of finite numbers that agree in their rank, which is
/// 1..[#RANK_MAX]; the values are checked by [#checkValues()].
///
/// @param name W's canonical name
/// @param a `[rank, columns of W]`
/// @param b `[rows of W, rank]`
/// @param scale alpha / rank, or alpha / sqrt(rank) for rsLoRA (Kalajdzievski 2023)
public record LoraTarget(String name, Tensor a, Tensor b, float scale) {
    /// mistral.rs' limit: what is larger than that is not low.
    public static final int RANK_MAX = 256;

    /// Bytes of one factor: that of the largest vocabularies at the largest rank in F32 has 260 MB.
    private static final long FACTOR_BYTES_MAX = 1L << 30;

    /// @throws BadCheckpoint for factors of other shapes, and a scale that is not finite
    /// @throws Unsupported for encodings that cannot be decoded
    public LoraTarget {
        check(a);
        check(b);
        if (a.shape().rows() != b.shape().columns()
                || a.shape().rows() > RANK_MAX
                || a.shape().rank() != 2
                || b.shape().rank() != 2) {
            throw BadCheckpoint.mismatch(
                    "tensor " + name,
                    "A [rank, columns] and B [rows, rank] with a rank of 1.." + RANK_MAX,
                    "A " + a.shape() + " and B " + b.shape());
        }
        if (!Float.isFinite(scale)) {
            throw BadCheckpoint.mismatch("tensor " + name + ": scale of the adapter", "a finite number", scale);
        }
    }

    private static void check(Tensor factor) {
        if (!Dequantizer.canDecode(factor.encoding())) {
            throw new Unsupported("tensor " + factor.name() + ": encoding " + factor.encoding() + " is not supported");
        }
        if (factor.sizeBytes() > FACTOR_BYTES_MAX) {
            throw BadCheckpoint.mismatch(
                    "tensor " + factor.name(), "at most " + FACTOR_BYTES_MAX + " bytes", factor.sizeBytes());
        }
    }

    public int rank() {
        return (int) a.shape().rows();
    }

    /// The shape of W.
    public Shape shape() {
        return Shape.of(b.shape().rows(), a.shape().columns());
    }

    public long sizeBytes() {
        return a.sizeBytes() + b.sizeBytes();
    }

    /// The part for the rows `[first, first + count)` of W.
    public LoraTarget rows(long first, long count) {
        return new LoraTarget(name, a, b.rows(first, count), scale);
    }

    /// The largest magnitude in either factor.
    ///
    /// @throws BadCheckpoint when a number is not finite
    public float checkValues() {
        return Math.max(extreme(a), extreme(b));
    }

    private static float extreme(Tensor factor) {
        int columns = Math.toIntExact(factor.shape().columns());
        float[] row = new float[columns];
        float extreme = 0;
        for (long r = 0; r < factor.shape().rows(); r++) {
            Dequantizer.decodeRow(factor, r, row, 0);
            for (float value : row) {
                if (!Float.isFinite(value)) {
                    throw new BadCheckpoint(
                            "tensor " + factor.name() + ": finite weights expected, found " + value + " in row " + r);
                }
                extreme = Math.max(extreme, Math.abs(value));
            }
        }
        return extreme;
    }
}
