package dev.trimtab.model;

import dev.trimtab.kernel.LinearOperator;
import java.util.List;

/// The packed weights of one layer, `x` being `[tokens, hiddenSize]`:
///
/// | field | operator |
/// |---|---|
/// | `qProj` | `[numAttentionHeads * headDim, hiddenSize]` |
/// | `kProj`, `vProj` | `[numKeyValueHeads * headDim, hiddenSize]` |
/// | `oProj` | `[hiddenSize, numAttentionHeads * headDim]` |
/// | `gateProj`, `upProj` | `[intermediateSize, hiddenSize]` |
/// | `downProj` | `[hiddenSize, intermediateSize]` |
/// | `inputNorm`, `postAttentionNorm` | `[hiddenSize]` |
@SuppressWarnings("ArrayRecordComponent")
record Layer(
        float[] inputNorm,
        LinearOperator qProj,
        LinearOperator kProj,
        LinearOperator vProj,
        LinearOperator oProj,
        float[] postAttentionNorm,
        LinearOperator gateProj,
        LinearOperator upProj,
        LinearOperator downProj) {
    long sizeBytes() {
        return matrices().stream().mapToLong(LinearOperator::sizeBytes).sum();
    }

    /// Multiply-adds of one token in the layer's matrices.
    long multiplyAdds() {
        return matrices().stream()
                .mapToLong(matrix -> (long) matrix.rows() * matrix.columns())
                .sum();
    }

    private List<LinearOperator> matrices() {
        return List.of(qProj, kProj, vProj, oProj, gateProj, upProj, downProj);
    }
}
