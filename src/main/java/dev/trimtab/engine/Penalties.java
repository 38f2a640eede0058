package dev.trimtab.engine;

import java.util.Arrays;
import java.util.Map;

/// What one sequence adds to its logits before a token is chosen: repetition, presence and frequency
/// penalties by the tokens seen so far, then bias. Costs O(distinct tokens + biased tokens) a step, nothing
/// where neither is asked.
final class Penalties {
    private final SamplingOptions options;
    private final TokenCounts counts = new TokenCounts();
    private final boolean repetition;
    private final boolean counting;
    private final int[] biasTokens;
    private final float[] biases;

    Penalties(SamplingOptions options, int[] prompt) {
        this.options = options;
        this.repetition = options.repetitionPenalty() != 1;
        this.counting = repetition || options.presencePenalty() != 0 || options.frequencyPenalty() != 0;
        this.biasTokens = new int[options.logitBias().size()];
        this.biases = new float[biasTokens.length];
        int i = 0;
        for (Map.Entry<Integer, Float> bias : options.logitBias().entrySet()) {
            biasTokens[i] = bias.getKey();
            biases[i++] = bias.getValue();
        }
        if (repetition) {
            for (int token : prompt) {
                counts.see(token);
            }
        }
    }

    /// Notes an output token.
    void count(int token) {
        if (counting) {
            counts.count(token);
        }
    }

    /// Changes the logits that begin at `logits[offset]` in place.
    void adjust(float[] logits, int offset) {
        for (int slot = 0; counting && slot < counts.slots(); slot++) {
            if (counts.token(slot) >= 0) {
                int place = offset + counts.token(slot);
                logits[place] = penalized(logits[place], counts.outputCount(slot));
            }
        }
        for (int i = 0; i < biasTokens.length; i++) {
            logits[offset + biasTokens[i]] += biases[i];
        }
    }

    private float penalized(float logit, int outputCount) {
        float repeated = logit;
        if (repetition) {
            repeated = logit > 0 ? logit / options.repetitionPenalty() : logit * options.repetitionPenalty();
        }
        if (outputCount == 0) {
            return repeated;
        }
        return repeated - options.presencePenalty() - outputCount * options.frequencyPenalty();
    }

    /// How often each token occurs in a sequence's output, for the tokens of its prompt and output: a sparse
    /// map in two int arrays (open addressing, linear probing, at most half full), because a map of objects
    /// would allocate at every token.
    ///
    /// - `see`, `count`: O(1) expected
    /// - iteration by slot: O(capacity), at most four times the number of distinct tokens
    static final class TokenCounts {
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
}
