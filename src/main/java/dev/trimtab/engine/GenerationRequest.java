package dev.trimtab.engine;

import dev.trimtab.error.InvalidRequest;
import java.util.Map;

/// One sequence to generate: `prompt` is token ids, at least one. `id` names it in logs.
///
/// - `cacheSalt`: sequences share KV blocks only with those of the same salt (a tenant, an adapter), so that
///   nobody can tell from the time a prompt takes what others have asked
/// - `adapters`: names of adapters that are loaded over the model, each with its factor; they are summed
/// - `topLogprobs`: how many alternatives to report with each token's log probability, or [#NO_LOGPROBS]
///
/// The array is not copied: the caller gives it away.
@SuppressWarnings("ArrayRecordComponent")
public record GenerationRequest(
        String id,
        int[] prompt,
        SamplingOptions sampling,
        StopCondition stop,
        String cacheSalt,
        int topLogprobs,
        PromptScores promptScores,
        Map<String, Float> adapters) {
    /// Whether the prompt's own tokens are scored too, which costs logits for each: it is computed anew even
    /// where a cache holds it.
    public enum PromptScores {
        NONE,
        ALL
    }

    /// No log probabilities at all; 0 stands for the chosen token's only.
    public static final int NO_LOGPROBS = -1;

    /// OpenAI's limit.
    public static final int TOP_LOGPROBS_MAX = 20;

    /// A hash or two; each cached block refers to one.
    public static final int SALT_LENGTH_MAX = 256;

    /// Adapters of one sequence: each costs two small products for every matrix it changes.
    public static final int ADAPTERS_MAX = 8;

    /// Far beyond what leaves a model sensible.
    public static final float ADAPTER_SCALE_MAX = 100;

    public GenerationRequest {
        adapters = Map.copyOf(adapters);
        if (adapters.size() > ADAPTERS_MAX) {
            throw InvalidRequest.param(
                    "lora", "lora: at most " + ADAPTERS_MAX + " adapters expected, found " + adapters.size());
        }
        for (float scale : adapters.values()) {
            if (!(Math.abs(scale) <= ADAPTER_SCALE_MAX)) {
                throw InvalidRequest.param(
                        "lora",
                        "lora: scales in -" + ADAPTER_SCALE_MAX + ".." + ADAPTER_SCALE_MAX + " expected, found "
                                + scale);
            }
        }
        if (topLogprobs < NO_LOGPROBS || topLogprobs > TOP_LOGPROBS_MAX) {
            throw InvalidRequest.param(
                    "top_logprobs", "top_logprobs: 0.." + TOP_LOGPROBS_MAX + " expected, found " + topLogprobs);
        }
        if (promptScores == PromptScores.ALL && topLogprobs == NO_LOGPROBS) {
            throw InvalidRequest.param("logprobs", "logprobs: a number expected to score a prompt, found none");
        }
        if (cacheSalt.length() > SALT_LENGTH_MAX) {
            throw InvalidRequest.param(
                    "cache_salt",
                    "cache_salt: at most " + SALT_LENGTH_MAX + " characters expected, found " + cacheSalt.length());
        }
    }

    /// One of the model as it is.
    public GenerationRequest(
            String id,
            int[] prompt,
            SamplingOptions sampling,
            StopCondition stop,
            String cacheSalt,
            int topLogprobs,
            PromptScores promptScores) {
        this(id, prompt, sampling, stop, cacheSalt, topLogprobs, promptScores, Map.of());
    }

    /// The same with other `adapters`.
    public GenerationRequest with(Map<String, Float> others) {
        return new GenerationRequest(id, prompt, sampling, stop, cacheSalt, topLogprobs, promptScores, others);
    }

    /// One that shares with all others that name no salt, without log probabilities.
    public GenerationRequest(String id, int[] prompt, SamplingOptions sampling, StopCondition stop) {
        this(id, prompt, sampling, stop, "", NO_LOGPROBS);
    }

    /// One whose prompt is not scored.
    public GenerationRequest(
            String id, int[] prompt, SamplingOptions sampling, StopCondition stop, String cacheSalt, int topLogprobs) {
        this(id, prompt, sampling, stop, cacheSalt, topLogprobs, PromptScores.NONE);
    }

    /// Throws when a model of `vocabSize` tokens cannot run it, with one token of output at least, within
    /// `lengthMax`.
    void check(int vocabSize, int lengthMax) {
        if (prompt.length == 0) {
            throw InvalidRequest.param("prompt", "prompt: at least one token expected, found none");
        }
        if (prompt.length >= lengthMax) {
            throw InvalidRequest.contextLengthExceeded("prompt: at most " + (lengthMax - 1)
                    + " tokens fit this model's context with one to generate, found " + prompt.length);
        }
        for (int token : prompt) {
            checkToken("prompt", token, vocabSize);
        }
        for (int token : sampling.logitBias().keySet()) {
            checkToken("logit_bias", token, vocabSize);
        }
    }

    private static void checkToken(String param, int token, int vocabSize) {
        if (token < 0 || token >= vocabSize) {
            throw InvalidRequest.param(param, param + ": token ids below " + vocabSize + " expected, found " + token);
        }
    }
}
