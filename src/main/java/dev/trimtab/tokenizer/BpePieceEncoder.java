package dev.trimtab.tokenizer;

import dev.trimtab.tokenizer.text.Utf8Text;
import java.util.Arrays;
import java.util.function.Consumer;

/// BPE over characters with a list of merges, as `tokenizer.json` has it: in byte-level vocabularies the
/// characters stand for bytes. A character that is no token becomes its bytes, or the unknown token.
///
/// Words can be whole texts (Llama 2 cuts none). As in [SentencePieceEncoder], one is cut where two
/// characters stand side by side that do so in no token; the result is the same. And as in
/// [BytePairEncoder], whether a word that is a token merges to it is found out once.
final class BpePieceEncoder implements PieceEncoder {
    /// What the file says beyond merges.
    enum Words {
        MERGED,
        /// A word that is a token becomes it, even where merging would not arrive there.
        WHOLE_IF_TOKENS
    }

    private static final byte UNSEEN = 0;
    private static final byte ATOM = 1;
    private static final byte COMPOUND = 2;
    private static final int NONE = SpecialIds.NONE;

    private final Vocabulary vocabulary;
    private final LongTable merges;
    private final ByteTokens byteTokens;
    private final byte[] wholeWords;
    private final LongTable symbols = new LongTable();
    private final LongTable neighbours = new LongTable();

    BpePieceEncoder(Vocabulary vocabulary, LongTable merges, ByteTokens byteTokens, Words words) {
        this.vocabulary = vocabulary;
        this.merges = merges;
        this.byteTokens = byteTokens;
        wholeWords = new byte[vocabulary.size()];
        if (words == Words.WHOLE_IF_TOKENS) {
            Arrays.fill(wholeWords, ATOM);
        }
        for (int id = 0; id < wholeWords.length; id++) {
            switch (vocabulary.kind(id)) {
                case NORMAL, USER_DEFINED -> addSymbols(vocabulary.piece(id));
                case BYTE, CONTROL, UNKNOWN, UNUSED -> {}
            }
        }
    }

    /// The characters of `piece` that are tokens, and which stand side by side.
    private void addSymbols(String piece) {
        int before = NONE;
        for (int i = 0; i < piece.length(); ) {
            int next = piece.offsetByCodePoints(i, 1);
            int symbol = vocabulary.index().find(piece, i, next);
            if (symbol != NONE) {
                symbols.putIfAbsent(piece.codePointAt(i), symbol);
            }
            if (before != NONE && symbol != NONE) {
                neighbours.putIfAbsent(LongTable.pair(before, symbol), 0);
            }
            before = symbol;
            i = next;
        }
    }

    @Override
    public Consumer<String> into(IdBuffer ids) {
        Merger merger = new Merger(merges);
        return word -> encode(word, merger, ids);
    }

    @Override
    public void spell(String piece, IdBuffer ids, IdBuffer trail) {
        merge(piece, new Merger(merges, trail), ids);
    }

    private void encode(String word, Merger merger, IdBuffer ids) {
        int whole = vocabulary.index().find(word, 0, word.length());
        boolean isToken = whole != NONE && vocabulary.kind(whole) == Vocabulary.Kind.NORMAL;
        if (isToken && wholeWords[whole] == ATOM) {
            ids.add(whole);
            return;
        }
        int first = ids.size();
        merge(word, merger, ids);
        if (isToken && wholeWords[whole] == UNSEEN) {
            wholeWords[whole] = ids.size() == first + 1 && ids.get(first) == whole ? ATOM : COMPOUND;
        }
    }

    private void merge(String word, Merger merger, IdBuffer ids) {
        int before = NONE;
        for (int i = 0; i < word.length(); ) {
            int codePoint = word.codePointAt(i);
            i += Character.charCount(codePoint);
            int symbol = (int) symbols.get(codePoint);
            if (symbol == NONE || (before != NONE && !neighbours.contains(LongTable.pair(before, symbol)))) {
                flush(merger, ids);
            }
            if (symbol == NONE) {
                byte[] bytes = new byte[4];
                byteTokens.add(bytes, 0, Utf8Text.put(bytes, 0, codePoint), ids);
            } else {
                merger.add(symbol);
            }
            before = symbol;
        }
        flush(merger, ids);
    }

    private static void flush(Merger merger, IdBuffer ids) {
        merger.merge();
        for (int i = 0; i < merger.size(); i++) {
            ids.add(merger.symbol(i));
        }
        merger.clear();
    }
}
