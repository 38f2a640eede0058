package dev.trimtab.tokenizer;

import dev.trimtab.tokenizer.text.Utf8Decoder;

/// Token ids to text, one at a time: each [#accept(int)] returns the text that became complete with
/// that token, holding back the bytes of an unfinished UTF-8 character. State of one sequence; not
/// thread-safe.
public final class Detokenizer {
    private final Vocabulary vocabulary;
    private final Utf8Decoder decoder = new Utf8Decoder();
    private final StringBuilder text = new StringBuilder();
    private boolean dropsSpace;

    private Detokenizer(Vocabulary vocabulary, boolean dropsSpace) {
        this.vocabulary = vocabulary;
        this.dropsSpace = dropsSpace;
    }

    /// For tokens that begin a text: takes away the space that encoding put before it.
    static Detokenizer ofWhole(Vocabulary vocabulary) {
        return new Detokenizer(vocabulary, vocabulary.addsSpacePrefix());
    }

    /// For tokens that continue a text.
    static Detokenizer ofContinuation(Vocabulary vocabulary) {
        return new Detokenizer(vocabulary, false);
    }

    /// The text that `id` completes; empty for control tokens and for bytes that do not complete a
    /// character yet. Malformed bytes become U+FFFD.
    ///
    /// @throws IndexOutOfBoundsException when there is no such token
    public String accept(int id) {
        int start = vocabulary.bytesStart(id);
        int end = vocabulary.bytesEnd(id);
        if (start == end) {
            return "";
        }
        if (dropsSpace) {
            dropsSpace = false;
            start += vocabulary.allBytes()[start] == ' ' ? 1 : 0;
        }
        decoder.accept(vocabulary.allBytes(), start, end - start, text);
        return take();
    }

    /// What is held back at the end: an unfinished character as U+FFFD.
    public String finish() {
        decoder.finish(text);
        return take();
    }

    private String take() {
        String taken = text.toString();
        text.setLength(0);
        return taken;
    }
}
