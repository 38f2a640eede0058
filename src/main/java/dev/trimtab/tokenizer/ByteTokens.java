package dev.trimtab.tokenizer;

import java.util.Arrays;

/// What becomes of a character that no token of SentencePiece holds: the tokens of its bytes
/// (`<0xE2>`), or the unknown token when the vocabulary lacks one of them.
final class ByteTokens {
    private static final int NONE = -1;

    private final int[] tokens = new int[256];
    private final int unknown;

    ByteTokens(Vocabulary vocabulary) {
        Arrays.fill(tokens, NONE);
        unknown = vocabulary.unknown().orElse(NONE);
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.kind(id) == Vocabulary.Kind.BYTE) {
                tokens[vocabulary.bytes(id)[0] & 0xFF] = id;
            }
        }
    }

    /// Appends the tokens of the character of `bytes` from `start` to before `end`. Unknown characters
    /// in a row have one unknown token together.
    void add(byte[] bytes, int start, int end, IdBuffer ids) {
        for (int i = start; i < end; i++) {
            if (tokens[bytes[i] & 0xFF] == NONE) {
                addUnknown(ids);
                return;
            }
        }
        for (int i = start; i < end; i++) {
            ids.add(tokens[bytes[i] & 0xFF]);
        }
    }

    private void addUnknown(IdBuffer ids) {
        if (unknown != NONE && (ids.size() == 0 || ids.get(ids.size() - 1) != unknown)) {
            ids.add(unknown);
        }
    }
}
