package dev.trimtab.tokenizer;

/// Encodes text between special tokens: the part in which kinds of tokenizers differ. Immutable and
/// thread-safe.
interface TextEncoder {
    /// Appends to `ids` the tokens of the characters of `text` from `start` to before `end`, which are
    /// at least one.
    void encode(String text, int start, int end, IdBuffer ids);
}
