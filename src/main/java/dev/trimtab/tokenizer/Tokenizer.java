package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import java.util.Optional;

/// Text to token ids and back for one checkpoint's vocabulary. Immutable and thread-safe.
public final class Tokenizer {
    /// What to do with text that spells a control token such as `<|im_end|>`.
    public enum ControlTokens {
        /// Encode it as that token: for text a chat template made.
        PARSE,
        /// Encode it as ordinary text: for text a user typed, which must not be able to end a turn.
        AS_TEXT
    }

    private final Vocabulary vocabulary;

    private Tokenizer(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    /// The tokenizer that `metadata` (`tokenizer.ggml.*`) describes.
    ///
    /// @throws dev.trimtab.error.BadCheckpoint when it contradicts itself
    /// @throws dev.trimtab.error.Unsupported for a model or pre-tokenizer nothing here knows; the message names it
    public static Tokenizer of(Metadata metadata) {
        return new Tokenizer(Vocabulary.of(metadata));
    }

    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /// The ids of `text` without BOS or EOS. Linear in the length of `text`, whatever it holds.
    public int[] encode(String text, ControlTokens controlTokens) {
        return Optional.<int[]>empty().orElseThrow(() -> new IllegalStateException(text + controlTokens));
    }

    /// As [#encode], with BOS and EOS where the vocabulary adds them: what a raw prompt becomes.
    /// BOS is not doubled when the text already begins with it.
    public int[] encodePrompt(String text, ControlTokens controlTokens) {
        return encode(text, controlTokens);
    }

    /// The text of `ids`; malformed UTF-8 becomes U+FFFD. Control tokens render as nothing.
    public String decode(int... ids) {
        Detokenizer detokenizer = detokenizer();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(detokenizer.accept(id));
        }
        return text.append(detokenizer.finish()).toString();
    }

    /// A streaming detokenizer that never splits a character over two pieces.
    public Detokenizer detokenizer() {
        return new Detokenizer(vocabulary);
    }
}
