package dev.trimtab.tokenizer;

import java.util.function.Consumer;

/// The model at the end of a pipeline: words to tokens. Immutable and thread-safe.
@FunctionalInterface
interface PieceEncoder {
    /// What takes the words of one text, in order, and appends their tokens to `ids`.
    Consumer<String> into(IdBuffer ids);
}
