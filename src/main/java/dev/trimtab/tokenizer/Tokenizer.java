package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.tokenizer.ByteTokens.Unknowns;
import dev.trimtab.tokenizer.huggingface.Normalizer;
import dev.trimtab.tokenizer.huggingface.PieceCutter;
import dev.trimtab.tokenizer.huggingface.TokenizerJson;
import dev.trimtab.tokenizer.text.Utf8Text;
import java.util.BitSet;
import java.util.Optional;
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

        /// Appends to `ids` the tokens of `piece`, an entry of a vocabulary: nothing is normalized, cut or put in
        /// front of it. `trail` gets every symbol met on the way, those that are no tokens included.
        void spell(String piece, IdBuffer ids, IdBuffer trail);

        /// Tokens beside those that [Indispensable] knows without which other texts would be encoded
        /// otherwise.
        default BitSet indispensable() {
            return new BitSet();
        }
    }

    private final Vocabulary vocabulary;
    private final SpecialTokens specialTokens;
    private final TextEncoder encoder;

    private Tokenizer(Vocabulary vocabulary, SpecialTokens specialTokens, TextEncoder encoder) {
        this.vocabulary = vocabulary;
        this.specialTokens = specialTokens;
        this.encoder = encoder;
    }

    /// The tokenizer that `metadata` describes: by GGUF's keys (`tokenizer.ggml.*`), or, where they name no
    /// model, by the `tokenizer.json` in it.
    ///
    /// @throws dev.trimtab.error.BadCheckpoint when it contradicts itself
    /// @throws dev.trimtab.error.Unsupported for a model or pre-tokenizer nothing here knows; the
    ///     message names it
    public static Tokenizer of(Metadata metadata) {
        if (metadata.contains(TokenizerJson.KEY) && !metadata.contains("tokenizer.ggml.model")) {
            return of(TokenizerJson.read(metadata));
        }
        Vocabulary vocabulary = Vocabulary.of(metadata);
        TextEncoder encoder = switch (Vocabulary.Model.of(metadata)) {
            case BYTE_LEVEL -> byteLevel(metadata, vocabulary);
            case SENTENCE_PIECE -> new SentencePieceEncoder(metadata, vocabulary);
            case UNIGRAM -> unigram(metadata, vocabulary);
        };
        SpecialTokens.Manners manners = SpecialTokens.Manners.of(metadata, vocabulary);
        return new Tokenizer(vocabulary, new SpecialTokens(vocabulary, manners), encoder);
    }

    private static Tokenizer of(TokenizerJson json) {
        Metadata metadata = json.metadata();
        Vocabulary vocabulary = Vocabulary.of(metadata, json.spelling());
        PieceEncoder model = switch (json.model()) {
            case TokenizerJson.Model.Bpe bpe ->
                new BpePieceEncoder(
                        vocabulary,
                        MergeTable.of(metadata.source(), bpe.merges(), vocabulary.index()),
                        new ByteTokens(vocabulary, bpe.fusesUnknown() ? Unknowns.FUSED : Unknowns.SEPARATE),
                        bpe.takesWholeWords() ? BpePieceEncoder.Words.WHOLE_IF_TOKENS : BpePieceEncoder.Words.MERGED);
            case TokenizerJson.Model.Unigram _ -> new UnigramEncoder(metadata, vocabulary);
        };
        return new Tokenizer(
                vocabulary,
                new SpecialTokens(vocabulary, SpecialTokens.Manners.of(json.addedTokens())),
                new PipelineEncoder(json.normalizer(), json.cutter(), model));
    }

    /// Most pre-tokenizers have scanners of their own; the rest are patterns.
    private static TextEncoder byteLevel(Metadata metadata, Vocabulary vocabulary) {
        Optional<NamedPatterns> patterns = NamedPatterns.named(metadata.string("tokenizer.ggml.pre", ""));
        if (patterns.isEmpty()) {
            return new BytePairEncoder(metadata, vocabulary);
        }
        PieceEncoder model = new BpePieceEncoder(
                vocabulary,
                MergeTable.of(metadata, vocabulary.index()),
                new ByteTokens(vocabulary, Unknowns.SEPARATE),
                BpePieceEncoder.Words.MERGED);
        return new PipelineEncoder(
                Normalizer.NONE, PieceCutter.byteLevel(patterns.get().patterns()), model);
    }

    private static TextEncoder unigram(Metadata metadata, Vocabulary vocabulary) {
        return new UnigramText(
                new SentencePieceNormalizer(metadata, vocabulary), new UnigramEncoder(metadata, vocabulary));
    }

    private record UnigramText(SentencePieceNormalizer normalizer, UnigramEncoder model) implements TextEncoder {
        @Override
        public void encode(String text, int start, int end, IdBuffer ids) {
            model.encode(normalizer.normalize(Utf8Text.of(text, start, end)), ids);
        }

        @Override
        public void spell(String piece, IdBuffer ids, IdBuffer trail) {
            model.spell(piece, ids, trail);
        }

        @Override
        public BitSet indispensable() {
            return model.indispensable();
        }
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
            int id = next < text.length() ? specialTokens.match(text, next, controlTokens) : SpecialTokens.NO_TOKEN;
            int end = id == SpecialTokens.NO_TOKEN ? next : specialTokens.before(text, position, next, id);
            if (position < end) {
                encoder.encode(text, position, end, ids);
            }
            position = next;
            if (id != SpecialTokens.NO_TOKEN) {
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

    /// The tokens of `piece`, an entry of this vocabulary or of another of the same kind, as text that holds it
    /// would be encoded at that place.
    public int[] spell(String piece) {
        IdBuffer ids = new IdBuffer(8);
        encoder.spell(piece, ids, new IdBuffer(8));
        return ids.toArray();
    }

    /// What a smaller vocabulary needs beside the token `id` for text to become it wherever it does here: the
    /// tokens that merging passes on the way to it. A merge is never undone, so of a text whose tokens all have
    /// theirs every merge is left, and it is encoded as it was.
    public BitSet ancestors(int id) {
        IdBuffer trail = new IdBuffer(8);
        BitSet found = new BitSet();
        if (vocabulary.kind(id) == Vocabulary.Kind.NORMAL) {
            encoder.spell(vocabulary.piece(id), new IdBuffer(8), trail);
        }
        for (int i = 0; i < trail.size(); i++) {
            if (trail.get(i) >= 0 && trail.get(i) < vocabulary.size()) {
                found.set(trail.get(i));
            }
        }
        return found;
    }

    /// The tokens that a smaller vocabulary must have: structure, and what spells any text that others do not.
    public BitSet indispensable() {
        BitSet ids = encoder.indispensable();
        ids.or(Indispensable.of(vocabulary));
        return ids;
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
