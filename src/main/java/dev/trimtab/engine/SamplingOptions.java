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

    public SamplingOptions {
        inRange("temperature", temperature, 0, 2);
        inRange("top_k", topK, 0, Integer.MAX_VALUE);
        inRange("top_p", topP, Float.MIN_VALUE, 1);
        inRange("min_p", minP, 0, 1);
        inRange("repetition_penalty", repetitionPenalty, Float.MIN_VALUE, 10);
        inRange("presence_penalty", presencePenalty, -2, 2);
        inRange("frequency_penalty", frequencyPenalty, -2, 2);
        logitBias = Map.copyOf(logitBias);
        if (logitBias.size() > LOGIT_BIAS_MAX) {
            throw InvalidRequest.param(
                    "logit_bias", "logit_bias: at most " + LOGIT_BIAS_MAX + " tokens, found " + logitBias.size());
        }
        logitBias.values().forEach(bias -> inRange("logit_bias", bias, -100, 100));
    }

    private static void inRange(String param, float value, float min, float max) {
        if (!(value >= min && value <= max)) {
            throw InvalidRequest.param(
                    param, param + ": a number in " + min + ".." + max + " expected, found " + value);
        }
    }
}
