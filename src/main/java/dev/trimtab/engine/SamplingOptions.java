package dev.trimtab.engine;

import dev.trimtab.error.InvalidRequest;
import java.util.Map;
import java.util.OptionalLong;

/// How the next token is chosen. Order: penalties and bias on the logits, then temperature, top-k, top-p,
/// min-p, then one draw; temperature 0 takes the largest logit after penalties and bias.
///
/// - `temperature` 0..2; 0 is greedy
/// - `topK` 0 = all
/// - `topP` (0, 1], `minP` [0, 1): relative to the most probable token
/// - `repetitionPenalty` (0, 10]: divides positive and multiplies negative logits of tokens seen in
///   prompt or output
/// - `presencePenalty`, `frequencyPenalty` -2..2: subtracted for tokens in the output, once or per
///   occurrence
/// - `logitBias`: added to the logit of a token id, -100..100
/// - `seed`: same seed and request, same text, whatever else is in the batch; drawn at random when absent
public record SamplingOptions(
        float temperature,
        int topK,
        float topP,
        float minP,
        float repetitionPenalty,
        float presencePenalty,
        float frequencyPenalty,
        Map<Integer, Float> logitBias,
        OptionalLong seed) {
    /// The largest logit always.
    public static final SamplingOptions GREEDY = new SamplingOptions(0, 0, 1, 0, 1, 0, 0, Map.of(), OptionalLong.of(0));

    /// OpenAI's limit on the number of biased tokens.
    public static final int LOGIT_BIAS_MAX = 300;

    /// The numbers above by the names that requests use, each with its range.
    public enum Field {
        TEMPERATURE("temperature", 0, 2),
        TOP_K("top_k", 0, Integer.MAX_VALUE),
        TOP_P("top_p", Float.MIN_VALUE, 1),
        MIN_P("min_p", 0, 1),
        REPETITION_PENALTY("repetition_penalty", Float.MIN_VALUE, 10),
        PRESENCE_PENALTY("presence_penalty", -2, 2),
        FREQUENCY_PENALTY("frequency_penalty", -2, 2),
        LOGIT_BIAS("logit_bias", -100, 100);

        private final String param;
        private final float min;
        private final float max;

        Field(String param, float min, float max) {
            this.param = param;
            this.min = min;
            this.max = max;
        }

        public String param() {
            return param;
        }

        public boolean allows(float value) {
            return value >= min && value <= max;
        }

        /// What it allows, for messages.
        public String expected() {
            return "a number in " + min + ".." + max;
        }

        /// @throws InvalidRequest unless it allows `value`
        public void check(float value) {
            if (!allows(value)) {
                throw InvalidRequest.param(param, param + ": " + expected() + " expected, found " + value);
            }
        }
    }

    public SamplingOptions {
        Field.TEMPERATURE.check(temperature);
        Field.TOP_K.check(topK);
        Field.TOP_P.check(topP);
        Field.MIN_P.check(minP);
        Field.REPETITION_PENALTY.check(repetitionPenalty);
        Field.PRESENCE_PENALTY.check(presencePenalty);
        Field.FREQUENCY_PENALTY.check(frequencyPenalty);
        logitBias = Map.copyOf(logitBias);
        if (logitBias.size() > LOGIT_BIAS_MAX) {
            throw InvalidRequest.param(
                    "logit_bias", "logit_bias: at most " + LOGIT_BIAS_MAX + " tokens, found " + logitBias.size());
        }
        logitBias.values().forEach(bias -> Field.LOGIT_BIAS.check(bias));
    }
}
