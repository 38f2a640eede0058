package dev.trimtab.model;

import dev.trimtab.kernel.EmbeddingTable;
import java.util.List;
import java.util.Optional;

/// A model's packed weights; they are the [TensorStore]'s, which this holds leases of.
///
/// @param leases of every matrix
/// @param embedTokens `[vocabSize, hiddenSize]`, rows looked up; the same object as `lmHead` where the two
///     are tied
/// @param embedPositions `[maxPositionEmbeddings, hiddenSize]`, where positions are learned
/// @param blocks in order; two a layer, or fewer
/// @param lmHead `[vocabSize, hiddenSize]`, and its bias
record Weights(
        List<TensorStore.Lease> leases,
        EmbeddingTable embedTokens,
        Optional<EmbeddingTable> embedPositions,
        List<Block> blocks,
        Norm outputNorm,
        Affine lmHead)
        implements AutoCloseable {
    Weights {
        leases = List.copyOf(leases);
        blocks = List.copyOf(blocks);
    }

    /// Bytes of all packed matrices.
    long sizeBytes() {
        return leases.stream().mapToLong(lease -> lease.packed().sizeBytes()).sum();
    }

    /// Of these, the bytes that other models use too, at this moment.
    long sharedBytes() {
        return leases.stream()
                .filter(TensorStore.Lease::isShared)
                .mapToLong(lease -> lease.packed().sizeBytes())
                .sum();
    }

    @Override
    public void close() {
        leases.forEach(TensorStore.Lease::close);
    }
}
