package dev.trimtab.model;

import dev.trimtab.kernel.LinearOperator;

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
        return qProj.sizeBytes()
                + kProj.sizeBytes()
                + vProj.sizeBytes()
                + oProj.sizeBytes()
                + gateProj.sizeBytes()
                + upProj.sizeBytes()
                + downProj.sizeBytes();
    }
}
