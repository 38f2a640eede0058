package dev.trimtab.model;

import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.LinearOperator;
import java.lang.foreign.Arena;
import java.util.List;

/// A model's packed weights; owner of their memory.
///
/// @param embedTokens `[vocabSize, hiddenSize]`, rows looked up; the same object as `lmHead` where the two
///     are tied
/// @param lmHead `[vocabSize, hiddenSize]`
/// @param ropeFactors divisors of the rotary frequencies, one a pair
@SuppressWarnings("ArrayRecordComponent")
record Weights(
        Arena arena,
        EmbeddingTable embedTokens,
        List<Layer> layers,
        float[] outputNorm,
        LinearOperator lmHead,
        float[] ropeFactors)
        implements AutoCloseable {
    Weights {
        layers = List.copyOf(layers);
    }

    /// Bytes of all packed matrices.
    long sizeBytes() {
        long tied = embedTokens.equals(lmHead) ? 0 : embedTokens.sizeBytes();
        return tied
                + lmHead.sizeBytes()
                + layers.stream().mapToLong(Layer::sizeBytes).sum();
    }

    @Override
    public void close() {
        arena.close();
    }
}
