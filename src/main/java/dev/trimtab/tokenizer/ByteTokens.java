package dev.trimtab.tokenizer;

import java.util.Arrays;

/// What becomes of a character that no token of SentencePiece holds: the tokens of its bytes
/// (`<0xE2>`), or the unknown token when the vocabulary lacks one of them.
final class ByteTokens {
    /// What becomes of unknown characters in a row.
    enum Unknowns {
        /// One unknown token together.
        FUSED,
        /// An unknown token each.
        SEPARATE
    }

    private static final int NONE = -1;

    private final int[] tokens = new int[256];
    private final int unknown;

    private final Unknowns unknowns;

    ByteTokens(Vocabulary vocabulary) {
        this(vocabulary, Unknowns.FUSED);
    }

    ByteTokens(Vocabulary vocabulary, Unknowns unknowns) {
        this.unknowns = unknowns;
        Arrays.fill(tokens, NONE);
        unknown = vocabulary.unknown().orElse(NONE);
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.kind(id) == Vocabulary.Kind.BYTE) {
                tokens[vocabulary.bytes(id)[0] & 0xFF] = id;
            }
        }
    }

    /// Appends the tokens of the character of `bytes` from `start` to before `end`.
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
        boolean fused = unknowns == Unknowns.FUSED && ids.size() > 0 && ids.get(ids.size() - 1) == unknown;
        if (unknown != NONE && !fused) {
            ids.add(unknown);
        }
    }
}
