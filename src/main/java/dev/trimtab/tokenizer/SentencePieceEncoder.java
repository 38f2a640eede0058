package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.tokenizer.text.Utf8Text;
import java.util.Arrays;

/// SentencePiece's BPE (`tokenizer.ggml.model` = `llama`): characters merged in the order of the
/// scores of what they become; a character that no token holds becomes its bytes. Spaces are `▁`, and
/// one stands before every text.
///
/// There is no pre-tokenizer, so a text is one word of any length. But two characters that stand side
/// by side in no token are never merged over, so the text is cut there: with the usual vocabularies
/// before each `▁` at least. The result is exactly the same.
///
/// Symbols are ids of tokens; a character that is only part of tokens has a number after the last id.
final class SentencePieceEncoder implements Tokenizer.TextEncoder {
    private static final int NONE = SpecialIds.NONE;

    private final Vocabulary vocabulary;
    private final ByteTokens byteTokens;
    private final int[] asciiSymbols = new int[128];
    private final LongTable symbols = new LongTable();
    private final LongTable neighbours = new LongTable();
    private final LongTable merges = new LongTable();
    private final IdBuffer partCodePoints = new IdBuffer(8);

    /// @throws BadCheckpoint when the scores are missing or no numbers
    SentencePieceEncoder(Metadata metadata, Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        byteTokens = new ByteTokens(vocabulary);
        int[] ranks = ranks(vocabulary.scores(metadata));
        for (int id = 0; id < ranks.length; id++) {
            if (isMergeable(id)) {
                addSymbols(vocabulary.piece(id));
            }
        }
        for (int id = 0; id < ranks.length; id++) {
            if (isMergeable(id)) {
                addMerges(id, ranks[id]);
            }
        }
        for (int value = 0; value < asciiSymbols.length; value++) {
            asciiSymbols[value] = (int) symbols.get(value == ' ' ? Vocabulary.SPACE_MARK : value);
        }
    }

    /// Ranks from scores: 0 for the highest, equal ones for equal scores.
    private static int[] ranks(double[] scores) {
        double[] ascending = Arrays.stream(scores).distinct().sorted().toArray();
        int[] ranks = new int[scores.length];
        for (int id = 0; id < scores.length; id++) {
            ranks[id] = ascending.length - 1 - Arrays.binarySearch(ascending, scores[id]);
        }
        return ranks;
    }

    /// Whether merging may arrive at `id`. Control tokens are never spelled by accident.
    private boolean isMergeable(int id) {
        return switch (vocabulary.kind(id)) {
            case NORMAL, USER_DEFINED -> true;
            case BYTE, CONTROL, UNKNOWN, UNUSED -> false;
        };
    }

    private void addSymbols(String piece) {
        for (int i = 0; i < piece.length(); ) {
            int codePoint = Utf8Text.wellFormedCodePointAt(piece, i, piece.length());
            int next = i + Character.charCount(codePoint);
            if (!symbols.contains(codePoint)) {
                int id = mergeable(piece, i, next);
                if (id == NONE) {
                    id = vocabulary.size() + partCodePoints.size();
                    partCodePoints.add(codePoint);
                }
                symbols.putIfAbsent(codePoint, id);
            }
            i = next;
        }
    }

    /// Every way to put `id` together from two symbols, and the characters that it shows side by side.
    private void addMerges(int id, int rank) {
        String piece = vocabulary.piece(id);
        int before = NONE;
        for (int i = 0; i < piece.length(); ) {
            int codePoint = Utf8Text.wellFormedCodePointAt(piece, i, piece.length());
            int symbol = (int) symbols.get(codePoint);
            if (i > 0) {
                neighbours.putIfAbsent(LongTable.pair(before, symbol), 0);
                int left = symbolOf(piece, 0, i);
                int right = left == NONE ? NONE : symbolOf(piece, i, piece.length());
                if (right != NONE) {
                    merges.putIfAbsent(LongTable.pair(left, right), Merger.merge(rank, id));
                }
            }
            before = symbol;
            i += Character.charCount(codePoint);
        }
    }

    /// The symbol that `piece` spells from `start` to before `end`: a character's or a token's.
    private int symbolOf(String piece, int start, int end) {
        return piece.offsetByCodePoints(start, 1) == end
                ? (int) symbols.get(Utf8Text.wellFormedCodePointAt(piece, start, end))
                : mergeable(piece, start, end);
    }

    private int mergeable(String piece, int start, int end) {
        int id = vocabulary.index().find(piece, start, end);
        return id != NONE && isMergeable(id) ? id : NONE;
    }

    @Override
    public void encode(String text, int start, int end, IdBuffer ids) {
        Merger merger = new Merger(merges);
        int before = NONE;
        if (vocabulary.addsSpacePrefix()) {
            before = encode(Vocabulary.SPACE_MARK, before, merger, ids);
        }
        for (int i = start; i < end; ) {
            int codePoint = Utf8Text.wellFormedCodePointAt(text, i, end);
            i += Character.charCount(codePoint);
            before = encode(codePoint == ' ' ? Vocabulary.SPACE_MARK : codePoint, before, merger, ids);
        }
        flush(merger, ids);
    }

    @Override
    public void spell(String piece, IdBuffer ids, IdBuffer trail) {
        Merger merger = new Merger(merges, trail);
        int before = NONE;
        for (int i = 0; i < piece.length(); ) {
            int codePoint = Utf8Text.wellFormedCodePointAt(piece, i, piece.length());
            i += Character.charCount(codePoint);
            before = encode(codePoint, before, merger, ids);
        }
        flush(merger, ids);
    }

    /// Adds one character to the word, or ends the word before it. Returns the character's symbol.
    private int encode(int codePoint, int before, Merger merger, IdBuffer ids) {
        int symbol = codePoint < 128 ? asciiSymbols[codePoint] : (int) symbols.get(codePoint);
        if (symbol == NONE) {
            flush(merger, ids);
            addBytes(codePoint, ids);
            return NONE;
        }
        if (before != NONE && !neighbours.contains(LongTable.pair(before, symbol))) {
            flush(merger, ids);
        }
        merger.add(symbol);
        return symbol;
    }

    private void flush(Merger merger, IdBuffer ids) {
        merger.merge();
        for (int i = 0; i < merger.size(); i++) {
            int symbol = merger.symbol(i);
            if (symbol < vocabulary.size()) {
                ids.add(symbol);
            } else {
                addBytes(partCodePoints.get(symbol - vocabulary.size()), ids);
            }
        }
        merger.clear();
    }

    private void addBytes(int codePoint, IdBuffer ids) {
        byte[] bytes = new byte[4];
        byteTokens.add(bytes, 0, Utf8Text.put(bytes, 0, codePoint), ids);
    }
}
