package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import java.util.OptionalInt;

/// Text to token ids and back for one checkpoint's vocabulary. Immutable and thread-safe.
///
/// Encoding costs time proportional to the text times the logarithm of its longest word, whatever it
/// holds, and memory of 10 bytes a character, or 50 where the whole text is one word. It sets no limit
/// of its own: a caller refuses text that its context cannot hold.
public final class Tokenizer {
    /// What to do with text that spells a control token such as `<|im_end|>`.
    public enum ControlTokens {
        /// Encode it as that token: for text a chat template made.
        PARSE,
        /// Encode it as ordinary text: for text a user typed, which must not be able to end a turn.
        /// User-defined tokens are text, and found in it.
        AS_TEXT
    }

    /// Encodes text between special tokens: the part in which kinds of tokenizers differ. Immutable and
    /// thread-safe.
    interface TextEncoder {
        /// Appends to `ids` the tokens of the characters of `text` from `start` to before `end`, which
        /// are at least one.
        void encode(String text, int start, int end, IdBuffer ids);
    }

    private final Vocabulary vocabulary;
    private final SpecialTokens specialTokens;
    private final TextEncoder encoder;

    private Tokenizer(Vocabulary vocabulary, SpecialTokens specialTokens, TextEncoder encoder) {
        this.vocabulary = vocabulary;
        this.specialTokens = specialTokens;
        this.encoder = encoder;
    }

    /// The tokenizer that `metadata` (`tokenizer.ggml.*`) describes.
    ///
    /// @throws dev.trimtab.error.BadCheckpoint when it contradicts itself
    /// @throws dev.trimtab.error.Unsupported for a model or pre-tokenizer nothing here knows; the
    ///     message names it
    public static Tokenizer of(Metadata metadata) {
        Vocabulary vocabulary = Vocabulary.of(metadata);
        TextEncoder encoder = switch (vocabulary.model()) {
            case BYTE_LEVEL -> new BytePairEncoder(metadata, vocabulary);
            case SENTENCE_PIECE -> new SentencePieceEncoder(metadata, vocabulary);
            case UNIGRAM -> new UnigramEncoder(metadata, vocabulary);
        };
        return new Tokenizer(vocabulary, new SpecialTokens(metadata, vocabulary), encoder);
    }

    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /// The ids of `text` without BOS or EOS. An unpaired surrogate counts as U+FFFD.
    public int[] encode(String text, ControlTokens controlTokens) {
        IdBuffer ids = new IdBuffer(text.length() / 3);
        int position = 0;
        while (position < text.length()) {
            int next = specialTokens.next(text, position, controlTokens);
            if (position < next) {
                encoder.encode(text, position, next, ids);
            }
            position = next;
            if (position < text.length()) {
                int id = specialTokens.match(text, position, controlTokens);
                ids.add(id);
                position = specialTokens.after(text, position, id);
            }
        }
        return ids.toArray();
    }

    /// As [#encode], with BOS and EOS where the vocabulary adds them: what a raw prompt becomes.
    /// Neither is doubled when the text already has it there.
    public int[] encodePrompt(String text, ControlTokens controlTokens) {
        int[] ids = encode(text, controlTokens);
        OptionalInt bos = vocabulary.addsBos() ? vocabulary.bos() : OptionalInt.empty();
        OptionalInt eos = vocabulary.addsEos() ? vocabulary.eos() : OptionalInt.empty();
        boolean prepends = bos.isPresent() && (ids.length == 0 || ids[0] != bos.getAsInt());
        boolean appends = eos.isPresent() && (ids.length == 0 || ids[ids.length - 1] != eos.getAsInt());
        int[] prompt = new int[ids.length + (prepends ? 1 : 0) + (appends ? 1 : 0)];
        System.arraycopy(ids, 0, prompt, prepends ? 1 : 0, ids.length);
        if (prepends) {
            prompt[0] = bos.getAsInt();
        }
        if (appends) {
            prompt[prompt.length - 1] = eos.getAsInt();
        }
        return prompt;
    }

    /// The text of `ids` taken as a whole text: without the space that SentencePiece puts before one.
    /// Malformed UTF-8 becomes U+FFFD, control tokens nothing.
    ///
    /// @throws IndexOutOfBoundsException when there is no such token
    public String decode(int... ids) {
        Detokenizer detokenizer = Detokenizer.ofWhole(vocabulary);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(detokenizer.accept(id));
        }
        return text.append(detokenizer.finish()).toString();
    }

    /// A streaming detokenizer, for tokens that continue a text (what a model generates): it keeps the
    /// space that the first of them may begin with.
    public Detokenizer detokenizer() {
        return Detokenizer.ofContinuation(vocabulary);
    }

    /// As [#detokenizer()], for tokens that begin a text: without the space that encoding put before it.
    public Detokenizer detokenizerFromStart() {
        return Detokenizer.ofWhole(vocabulary);
    }
}
