package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tokenizer.text.ByteAlphabet;
import dev.trimtab.tokenizer.text.PreTokenizer;
import dev.trimtab.tokenizer.text.Utf8Text;
import java.util.Arrays;

/// Byte-level BPE (`tokenizer.ggml.model` = `gpt2`): words cut by a [PreTokenizer], their bytes merged.
///
/// Most words are one token. Whether a word that is in the vocabulary merges to that one token is
/// found out the first time it is seen, and kept in a byte a token. (Threads may race to it: they all
/// write the same.)
final class BytePairEncoder implements Tokenizer.TextEncoder {
    private static final byte UNSEEN = 0;
    private static final byte ATOM = 1;
    private static final byte COMPOUND = 2;

    private static final int NO_TOKEN = SpecialIds.NONE;

    private final PreTokenizer preTokenizer;
    private final TokenIndex words;
    private final LongTable merges;
    private final int[] byteSymbols;
    private final byte[] wholeWords;

    /// @throws dev.trimtab.error.BadCheckpoint when a merge does not lead from tokens to a token
    /// @throws Unsupported for a pre-tokenizer nothing here knows
    BytePairEncoder(Metadata metadata, Vocabulary vocabulary) {
        String name = metadata.string("tokenizer.ggml.pre", "");
        preTokenizer = PreTokenizer.named(name)
                .orElseThrow(
                        () -> new Unsupported(metadata.source() + ": pre-tokenizer '" + name + "' is not supported"));
        merges = MergeTable.of(metadata, vocabulary.index());
        byteSymbols = new int[256];
        for (int value = 0; value < byteSymbols.length; value++) {
            byteSymbols[value] = vocabulary
                    .find(ByteAlphabet.piece(value))
                    .orElse(vocabulary.unknown().orElse(NO_TOKEN));
        }
        words = new TokenIndex(
                vocabulary,
                id -> vocabulary.kind(id) == Vocabulary.Kind.NORMAL && ByteAlphabet.spells(vocabulary.piece(id)));
        wholeWords = new byte[vocabulary.size()];
        if (preTokenizer.manner() == PreTokenizer.Manner.WHOLE_WORDS_WITH_BOS) {
            Arrays.fill(wholeWords, ATOM);
        }
    }

    @Override
    public void encode(String text, int start, int end, IdBuffer ids) {
        Utf8Text utf8 = Utf8Text.of(text, start, end);
        Merger merger = new Merger(merges);
        preTokenizer.split(utf8, (from, to) -> encodeWord(utf8, from, to, merger, ids));
    }

    private void encodeWord(Utf8Text text, int start, int end, Merger merger, IdBuffer ids) {
        int whole = words.find(text.bytes(), start, end);
        if (whole != TokenIndex.ABSENT && wholeWords[whole] == ATOM) {
            ids.add(whole);
            return;
        }
        merger.clear();
        for (int i = start; i < end; i++) {
            add(text.unsignedByte(i), merger);
        }
        merge(merger, ids);
        if (whole != TokenIndex.ABSENT && wholeWords[whole] == UNSEEN) {
            wholeWords[whole] = merger.size() == 1 && merger.symbol(0) == whole ? ATOM : COMPOUND;
        }
    }

    /// A byte that no token spells, in a vocabulary without an unknown token, is lost.
    private void add(int unsignedByte, Merger merger) {
        int symbol = byteSymbols[unsignedByte];
        if (symbol != NO_TOKEN) {
            merger.add(symbol);
        }
    }

    private static void merge(Merger merger, IdBuffer ids) {
        merger.merge();
        for (int i = 0; i < merger.size(); i++) {
            ids.add(merger.symbol(i));
        }
    }

    @Override
    public void spell(String piece, IdBuffer ids, IdBuffer trail) {
        Merger merger = new Merger(merges, trail);
        for (byte value : ByteAlphabet.bytes(piece)) {
            add(value & 0xFF, merger);
        }
        merge(merger, ids);
    }
}
