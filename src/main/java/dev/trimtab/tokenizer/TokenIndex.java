package dev.trimtab.tokenizer;

import java.util.Arrays;
import java.util.function.IntPredicate;

/// Finds the token of a word's bytes: an open-addressing table of ids, compared with the vocabulary's
/// own bytes.
final class TokenIndex {
    static final int ABSENT = -1;

    private final Vocabulary vocabulary;
    private final int[] ids;
    private final int[] hashes;

    /// An index of those tokens of `vocabulary` for which `included` says so; of equal ones the first.
    TokenIndex(Vocabulary vocabulary, IntPredicate included) {
        this.vocabulary = vocabulary;
        ids = new int[Integer.highestOneBit(Math.max(4, vocabulary.size())) << 2];
        hashes = new int[ids.length];
        Arrays.fill(ids, ABSENT);
        byte[] bytes = vocabulary.allBytes();
        for (int id = 0; id < vocabulary.size(); id++) {
            int start = vocabulary.bytesStart(id);
            int end = vocabulary.bytesEnd(id);
            if (start < end && included.test(id)) {
                int hash = hash(bytes, start, end);
                int slot = slot(bytes, start, end, hash);
                if (ids[slot] == ABSENT) {
                    ids[slot] = id;
                    hashes[slot] = hash;
                }
            }
        }
    }

    /// The token that is exactly bytes `start` to before `end` of `bytes`, or [#ABSENT].
    int find(byte[] bytes, int start, int end) {
        return ids[slot(bytes, start, end, hash(bytes, start, end))];
    }

    private int slot(byte[] bytes, int start, int end, int hash) {
        int mask = ids.length - 1;
        int slot = hash & mask;
        while (ids[slot] != ABSENT && !(hashes[slot] == hash && isToken(ids[slot], bytes, start, end))) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private boolean isToken(int id, byte[] bytes, int start, int end) {
        return Arrays.equals(
                vocabulary.allBytes(), vocabulary.bytesStart(id), vocabulary.bytesEnd(id), bytes, start, end);
    }

    private static int hash(byte[] bytes, int start, int end) {
        long hash = (long) end - start;
        for (int i = start; i < end; i++) {
            hash = (hash ^ bytes[i]) * 0x9E3779B97F4A7C15L;
            hash ^= hash >>> 32;
        }
        return (int) hash;
    }
}
