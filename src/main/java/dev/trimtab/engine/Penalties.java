package dev.trimtab.engine;

import java.util.Map;

/// What one sequence adds to its logits before a token is chosen: repetition, presence and frequency penalties by
/// the tokens seen so far, then bias. Costs O(distinct tokens + biased tokens) a step, nothing where neither is asked.
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
}
