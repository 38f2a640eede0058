package dev.trimtab.engine;

import java.util.Arrays;

/// How often each token occurs in a sequence's output, for the tokens of its prompt and output: a sparse map
/// in two int arrays (open addressing, linear probing, at most half full), because a map of objects would
/// allocate at every token.
///
/// - `see`, `count`: O(1) expected
/// - iteration by slot: O(capacity), at most four times the number of distinct tokens
final class TokenCounts {
    private static final int EMPTY = -1;
    private int[] tokens = new int[64];
    private int[] counts = new int[64];
    private int distinct;

    TokenCounts() {
        Arrays.fill(tokens, EMPTY);
    }

    /// Notes that `token` is in the prompt.
    void see(int token) {
        slotOf(token);
    }

    /// Counts one more of `token` in the output.
    void count(int token) {
        int slot = slotOf(token); // may replace the arrays
        counts[slot]++;
    }

    /// Slots to visit; those without a token hold a negative one.
    int slots() {
        return tokens.length;
    }

    /// The token in `slot`, negative for none.
    int token(int slot) {
        return tokens[slot];
    }

    /// How often the token in `slot` is in the output; 0 for one of the prompt only.
    int outputCount(int slot) {
        return counts[slot];
    }

    private int slotOf(int token) {
        int slot = find(token);
        if (tokens[slot] == EMPTY) {
            if (2 * ++distinct > tokens.length) {
                grow();
                slot = find(token);
            }
            tokens[slot] = token;
        }
        return slot;
    }

    private int find(int token) {
        int mask = tokens.length - 1;
        int slot = ((token * 0x9E3779B9) >>> 7) & mask;
        while (tokens[slot] != EMPTY && tokens[slot] != token) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        int[] oldTokens = tokens;
        int[] oldCounts = counts;
        tokens = new int[2 * oldTokens.length];
        counts = new int[2 * oldTokens.length];
        Arrays.fill(tokens, EMPTY);
        for (int old = 0; old < oldTokens.length; old++) {
            if (oldTokens[old] != EMPTY) {
                int slot = find(oldTokens[old]);
                tokens[slot] = oldTokens[old];
                counts[slot] = oldCounts[old];
            }
        }
    }
}
