package dev.trimtab.tensor.quantize;

/// Encodes one block of one encoding: the mirror of `BlockDecoder`.
@FunctionalInterface
interface BlockEncoder {
    /// Writes the block that stands for `run`, exactly one block of finite weights, to `block`, which is
    /// zeroed and of the encoding's size.
    void encode(Run run, BlockBytes block);
}
