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
        for (int i = 0; i < counts.size(); i++) {
            int place = offset + counts.token(i);
            logits[place] = penalized(logits[place], counts.outputCount(i));
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

    /// How often each token occurs in a sequence's output, for the tokens of its prompt and output: entries
    /// in order of first sight, found through a hash table (open addressing, linear probing, at most half
    /// full), all in int arrays, because a map of objects would allocate at every token.
    ///
    /// - `see`, `count`: O(1) expected
    /// - iteration by index: O(distinct tokens)
    static final class TokenCounts {
        private static final int EMPTY = -1;
        private int[] slots = new int[64];
        private int[] tokens = new int[32];
        private int[] outputCounts = new int[32];
        private int size;

        TokenCounts() {
            Arrays.fill(slots, EMPTY);
        }

        /// Notes that `token` is in the prompt.
        void see(int token) {
            indexOf(token);
        }

        /// Counts one more of `token` in the output.
        void count(int token) {
            int index = indexOf(token); // may replace the arrays
            outputCounts[index]++;
        }

        /// Distinct tokens.
        int size() {
            return size;
        }

        int token(int index) {
            return tokens[index];
        }

        /// How often the token at `index` is in the output; 0 for one of the prompt only.
        int outputCount(int index) {
            return outputCounts[index];
        }

        private int indexOf(int token) {
            int slot = find(token);
            if (slots[slot] == EMPTY) {
                if (size == tokens.length) {
                    grow();
                    slot = find(token);
                }
                tokens[size] = token;
                slots[slot] = size++;
            }
            return slots[slot];
        }

        private int find(int token) {
            int mask = slots.length - 1;
            int slot = ((token * 0x9E3779B9) >>> 7) & mask;
            while (slots[slot] != EMPTY && tokens[slots[slot]] != token) {
                slot = (slot + 1) & mask;
            }
            return slot;
        }

        private void grow() {
            tokens = Arrays.copyOf(tokens, 2 * size);
            outputCounts = Arrays.copyOf(outputCounts, 2 * size);
            slots = new int[4 * size];
            Arrays.fill(slots, EMPTY);
            for (int index = 0; index < size; index++) {
                slots[find(tokens[index])] = index;
            }
        }
    }
}
