package dev.trimtab.tokenizer;

import java.util.BitSet;
import java.util.function.Consumer;

/// The model at the end of a pipeline: words to tokens. Immutable and thread-safe.
interface PieceEncoder {
    /// What takes the words of one text, in order, and appends their tokens to `ids`.
    Consumer<String> into(IdBuffer ids);

    /// As [Tokenizer.TextEncoder#spell].
    void spell(String piece, IdBuffer ids, IdBuffer trail);

    /// As [Tokenizer.TextEncoder#indispensable].
    default BitSet indispensable() {
        return new BitSet();
    }
}
