package dev.trimtab.model;

import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.LinearOperator;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/// A model's packed weights; owner of their memory.
///
/// @param embedTokens `[vocabSize, hiddenSize]`, rows looked up; the same object as `lmHead` where the two
///     are tied
/// @param embedPositions `[maxPositionEmbeddings, hiddenSize]`, where positions are learned
/// @param blocks in order; two a layer, or fewer
/// @param lmHead `[vocabSize, hiddenSize]`, and its bias
record Weights(
        Arena arena,
        EmbeddingTable embedTokens,
        Optional<EmbeddingTable> embedPositions,
        List<Block> blocks,
        Norm outputNorm,
        Affine lmHead)
        implements AutoCloseable {
    Weights {
        blocks = List.copyOf(blocks);
    }

    /// Bytes of all packed matrices.
    long sizeBytes() {
        long tied = embedTokens.equals(lmHead.weight()) ? 0 : embedTokens.sizeBytes();
        return tied
                + embedPositions.map(EmbeddingTable::sizeBytes).orElse(0L)
                + lmHead.weight().sizeBytes()
                + blocks.stream()
                        .flatMap(block -> block.matrices().stream())
                        .mapToLong(LinearOperator::sizeBytes)
                        .sum();
    }

    @Override
    public void close() {
        arena.close();
    }
}
