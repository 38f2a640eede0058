package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tokenizer.text.ByteAlphabet;
import dev.trimtab.tokenizer.text.PreTokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;

/// The tokens of one checkpoint: their pieces, bytes and kinds, and the special ids. Immutable.
///
/// The bytes of all tokens lie in one array; a look-up costs an index.
public final class Vocabulary {
    /// What a token is; the numbers are those of `tokenizer.ggml.token_type`.
    public enum Kind {
        /// Text that encoding arrives at by merging.
        NORMAL,
        /// What stands for text that no token spells. It has no text of its own.
        UNKNOWN,
        /// Structure, such as the end of a turn. It has no text.
        CONTROL,
        /// Text that becomes this token before anything is merged, wherever it stands.
        USER_DEFINED,
        /// A place kept free. It has no text, and no text becomes it.
        UNUSED,
        /// One byte, written `<0x0A>`.
        BYTE
    }

    /// The families of tokenizers by `tokenizer.ggml.model`, with the ids that a file need not name.
    enum Model {
        BYTE_LEVEL("gpt2", SpecialIds.NONE, SpecialIds.NONE, SpecialIds.NONE),
        SENTENCE_PIECE("llama", 1, 2, 0),
        UNIGRAM("t5", SpecialIds.NONE, 1, 2);

        private final String key;
        private final int bos;
        private final int eos;
        private final int unknown;

        Model(String key, int bos, int eos, int unknown) {
            this.key = key;
            this.bos = bos;
            this.eos = eos;
            this.unknown = unknown;
        }

        static Model of(Metadata metadata) {
            String key = metadata.string("tokenizer.ggml.model");
            for (Model model : values()) {
                if (model.key.equals(key)) {
                    return model;
                }
            }
            throw new Unsupported(metadata.source() + ": tokenizer model '" + key + "' is not supported");
        }

        SpecialIds.Defaults defaults(Metadata metadata) {
            return new SpecialIds.Defaults(bos, eos, unknown, addsBos(metadata), this == UNIGRAM, this != BYTE_LEVEL);
        }

        private boolean addsBos(Metadata metadata) {
            return switch (this) {
                case SENTENCE_PIECE -> true;
                case UNIGRAM -> false;
                case BYTE_LEVEL ->
                    PreTokenizer.named(metadata.string("tokenizer.ggml.pre", ""))
                            .filter(preTokenizer -> preTokenizer.manner() != PreTokenizer.Manner.PLAIN)
                            .isPresent();
            };
        }

        /// The bytes that an ordinary token's piece stands for.
        private byte[] spelling(String piece) {
            return switch (this) {
                case BYTE_LEVEL -> ByteAlphabet.bytes(piece);
                case SENTENCE_PIECE, UNIGRAM -> piece.replace(SPACE_MARK, ' ').getBytes(StandardCharsets.UTF_8);
            };
        }
    }

    static final char SPACE_MARK = '\u2581';

    /// The largest vocabularies have a quarter of a million tokens.
    private static final int SIZE_MAX = 1 << 22;

    /// The longest pieces known have some hundred characters. What a piece costs while loading grows
    /// with the square of its length.
    private static final int PIECE_LENGTH_MAX = 4096;

    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String SCORES = "tokenizer.ggml.scores";
    private static final String TOKEN_TYPE = "tokenizer.ggml.token_type";

    private final Function<String, byte[]> spelling;
    private final List<String> pieces;
    private final PieceIndex index;
    private final Kind[] kinds;
    private final SpecialIds special;
    private final boolean addsSpacePrefix;
    private final byte[] bytes;
    private final int[] starts;

    private Vocabulary(Metadata metadata, SpecialIds.Defaults defaults, Function<String, byte[]> spelling) {
        this.spelling = spelling;
        pieces = pieces(metadata);
        kinds = kinds(metadata, pieces);
        index = new PieceIndex(where(metadata, TOKENS), pieces);
        special = SpecialIds.of(metadata, defaults, index, kinds);
        addsSpacePrefix = metadata.flag("tokenizer.ggml.add_space_prefix", defaults.addsSpacePrefix());
        starts = new int[pieces.size() + 1];
        byte[][] all = new byte[pieces.size()][];
        for (int id = 0; id < all.length; id++) {
            all[id] = render(metadata.source(), id);
            starts[id + 1] = Math.addExact(starts[id], all[id].length);
        }
        bytes = new byte[starts[all.length]];
        for (int id = 0; id < all.length; id++) {
            System.arraycopy(all[id], 0, bytes, starts[id], all[id].length);
        }
    }

    /// The vocabulary that `metadata` describes.
    ///
    /// @throws BadCheckpoint when it contradicts itself
    /// @throws Unsupported for a tokenizer model nothing here knows
    static Vocabulary of(Metadata metadata) {
        Model model = Model.of(metadata);
        return new Vocabulary(metadata, model.defaults(metadata), model::spelling);
    }

    /// The vocabulary of `metadata` that names no model: what pieces of ordinary tokens stand for is told by
    /// `spelling`, and nothing is assumed that it does not say.
    static Vocabulary of(Metadata metadata, Function<String, byte[]> spelling) {
        return new Vocabulary(metadata, SpecialIds.Defaults.NOTHING, spelling);
    }

    private static List<String> pieces(Metadata metadata) {
        List<String> pieces = metadata.strings(TOKENS);
        if (pieces.isEmpty() || pieces.size() > SIZE_MAX) {
            throw BadCheckpoint.mismatch(where(metadata, TOKENS), "1 to " + SIZE_MAX + " tokens", pieces.size());
        }
        for (int id = 0; id < pieces.size(); id++) {
            int length = pieces.get(id).length();
            if (length > PIECE_LENGTH_MAX) {
                String where = where(metadata, TOKENS) + ": token " + id;
                throw BadCheckpoint.mismatch(where, "at most " + PIECE_LENGTH_MAX + " characters", length);
            }
        }
        return List.copyOf(pieces);
    }

    private static Kind[] kinds(Metadata metadata, List<String> pieces) {
        Kind[] kinds = new Kind[pieces.size()];
        Arrays.fill(kinds, Kind.NORMAL);
        if (!metadata.contains(TOKEN_TYPE)) {
            return kinds;
        }
        long[] types = metadata.integers(TOKEN_TYPE);
        if (types.length != kinds.length) {
            throw BadCheckpoint.mismatch(where(metadata, TOKEN_TYPE), kinds.length + " types", types.length);
        }
        Kind[] byType = {Kind.UNUSED, Kind.NORMAL, Kind.UNKNOWN, Kind.CONTROL, Kind.USER_DEFINED, Kind.UNUSED, Kind.BYTE
        };
        for (int id = 0; id < kinds.length; id++) {
            if (types[id] < 0 || types[id] >= byType.length) {
                String where = where(metadata, TOKEN_TYPE) + ": token " + id;
                throw BadCheckpoint.mismatch(where, "a type in 0..6", types[id]);
            }
            kinds[id] = byType[(int) types[id]];
        }
        return kinds;
    }

    private byte[] render(String source, int id) {
        String piece = pieces.get(id);
        return switch (kinds[id]) {
            case CONTROL, UNKNOWN, UNUSED -> new byte[0];
            case USER_DEFINED -> piece.getBytes(StandardCharsets.UTF_8);
            case BYTE -> new byte[] {byteOf(source, id, piece)};
            case NORMAL -> spelling.apply(piece);
        };
    }

    private static byte byteOf(String source, int id, String piece) {
        boolean written = piece.length() == 6 && piece.startsWith("<0x") && piece.endsWith(">");
        int high = written ? Character.digit(piece.charAt(3), 16) : -1;
        int low = written ? Character.digit(piece.charAt(4), 16) : -1;
        if (high < 0 || low < 0) {
            throw BadCheckpoint.mismatch(
                    source + ": metadata " + TOKENS + ": byte token " + id, "<0x00> to <0xFF>", piece);
        }
        return (byte) (high << 4 | low);
    }

    /// The scores of all tokens, which only some models have.
    ///
    /// @throws BadCheckpoint when they are missing or no numbers
    double[] scores(Metadata metadata) {
        double[] scores = metadata.numbers(SCORES);
        if (scores.length != size()) {
            throw BadCheckpoint.mismatch(where(metadata, SCORES), size() + " scores", scores.length);
        }
        for (int id = 0; id < scores.length; id++) {
            if (!Double.isFinite(scores[id])) {
                String where = where(metadata, SCORES) + ": token " + id;
                throw BadCheckpoint.mismatch(where, "a finite number", scores[id]);
            }
        }
        return scores;
    }

    private static String where(Metadata metadata, String key) {
        return metadata.source() + ": metadata " + key;
    }

    /// How many tokens there are: valid ids are 0 to before this.
    public int size() {
        return pieces.size();
    }

    /// The token's text as the vocabulary lists it (`Ġhello`, `<|im_end|>`), for people to read.
    public String piece(int id) {
        return pieces.get(id);
    }

    /// The token whose piece is exactly `piece`.
    public OptionalInt find(String piece) {
        return optional(index.find(piece, 0, piece.length()));
    }

    public Kind kind(int id) {
        return kinds[id];
    }

    /// The bytes that `id` adds to a text: none for control tokens, and perhaps part of a character.
    public byte[] bytes(int id) {
        return Arrays.copyOfRange(bytes, starts[id], starts[id + 1]);
    }

    /// Whether generation stops at `id`: EOS, EOT, or a control token known to end a turn.
    public boolean isEndOfGeneration(int id) {
        return special.endOfGeneration().get(id);
    }

    /// The ids at which generation stops, ascending.
    public int[] endOfGeneration() {
        return special.endOfGeneration().stream().toArray();
    }

    /// Whether `id` is a control token, which has no text.
    public boolean isControl(int id) {
        return kinds[id] == Kind.CONTROL;
    }

    /// The token that begins a sequence.
    public OptionalInt bos() {
        return optional(special.bos());
    }

    /// The token that ends a sequence.
    public OptionalInt eos() {
        return optional(special.eos());
    }

    /// The token that ends a turn.
    public OptionalInt eot() {
        return optional(special.eot());
    }

    /// The token for what no other token spells.
    public OptionalInt unknown() {
        return optional(special.unknown());
    }

    /// The token that fills up batches.
    public OptionalInt padding() {
        return optional(special.padding());
    }

    /// Whether a prompt begins with BOS.
    public boolean addsBos() {
        return special.addsBos();
    }

    /// Whether a prompt ends with EOS.
    public boolean addsEos() {
        return special.addsEos();
    }

    PieceIndex index() {
        return index;
    }

    /// Whether text gets a space in front of it when it is encoded, which decoding takes away.
    boolean addsSpacePrefix() {
        return addsSpacePrefix;
    }

    /// The bytes of all tokens. Not a copy.
    byte[] allBytes() {
        return bytes;
    }

    int bytesStart(int id) {
        return starts[id];
    }

    int bytesEnd(int id) {
        return starts[id + 1];
    }

    private static OptionalInt optional(int id) {
        return id == SpecialIds.NONE ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /// Finds tokens by their pieces, and by parts of a text without cutting them out: an open-addressing
    /// table of ids. Tokens without a piece are left out.
    static final class PieceIndex {
        private final List<String> pieces;
        private final int[] ids;

        /// @throws BadCheckpoint when two tokens have the same piece
        private PieceIndex(String where, List<String> pieces) {
            this.pieces = pieces;
            ids = new int[Integer.highestOneBit(Math.max(4, pieces.size())) << 2];
            Arrays.fill(ids, SpecialIds.NONE);
            for (int id = 0; id < pieces.size(); id++) {
                String piece = pieces.get(id);
                int slot = slot(piece, 0, piece.length(), piece.length());
                if (ids[slot] != SpecialIds.NONE) {
                    throw new BadCheckpoint(
                            where + ": tokens " + ids[slot] + " and " + id + " have the same piece '" + piece + "'");
                }
                ids[slot] = piece.isEmpty() ? SpecialIds.NONE : id;
            }
        }

        /// The token that `text` spells from `start` to before `end`, or [SpecialIds#NONE].
        int find(String text, int start, int end) {
            return ids[slot(text, start, end, end)];
        }

        /// As [#find(String, int, int)], leaving out the character at `gap`.
        int findAround(String text, int start, int end, int gap) {
            return ids[slot(text, start, end, gap)];
        }

        private int slot(String text, int start, int end, int gap) {
            int hash = 0;
            for (int i = start; i < end; i++) {
                hash = i == gap ? hash : 31 * hash + text.charAt(i);
            }
            int slot = (int) (LongTable.mix(hash) >>> 32) & ids.length - 1;
            while (ids[slot] != SpecialIds.NONE && !isPiece(pieces.get(ids[slot]), text, start, end, gap)) {
                slot = slot + 1 & ids.length - 1;
            }
            return slot;
        }

        private static boolean isPiece(String piece, String text, int start, int end, int gap) {
            int before = gap - start;
            int after = Math.max(0, end - gap - 1);
            return piece.length() == before + after
                    && piece.regionMatches(0, text, start, before)
                    && (after == 0 || piece.regionMatches(before, text, gap + 1, after));
        }
    }
}
