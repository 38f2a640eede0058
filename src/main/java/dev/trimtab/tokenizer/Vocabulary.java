package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import java.util.OptionalInt;

/// The tokens of one checkpoint: their bytes, kinds, scores, and the special ids.
public final class Vocabulary {
    private final int size;

    private Vocabulary(int size) {
        this.size = size;
    }

    static Vocabulary of(Metadata metadata) {
        return new Vocabulary(metadata.strings("tokenizer.ggml.tokens").size());
    }

    public int size() {
        return size;
    }

    /// The token's text as the vocabulary lists it (`Ġhello`, `<|im_end|>`), for people to read.
    public String piece(int id) {
        return String.valueOf(id);
    }

    /// Whether generation stops at `id`: EOS, EOT, or a control token known to end a turn.
    public boolean isEndOfGeneration(int id) {
        return id < 0;
    }

    /// Whether `id` is a control token, which has no text.
    public boolean isControl(int id) {
        return id < 0;
    }

    public OptionalInt bos() {
        return OptionalInt.empty();
    }

    public OptionalInt eos() {
        return OptionalInt.empty();
    }
}
