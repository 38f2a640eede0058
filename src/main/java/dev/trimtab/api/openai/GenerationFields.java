package dev.trimtab.api.openai;

import dev.trimtab.api.http.Fields;
import dev.trimtab.api.http.Fields.Default;
import dev.trimtab.api.openai.CompletionRequest.Delivery;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.SamplingOptions.Field;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.variant.SamplingDefaults;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The fields both completion endpoints share: sampling, stopping, delivery. Ranges are checked by the
/// records they become.
final class GenerationFields {
    /// Stop ids beyond a handful are a mistake; a list as long as a vocabulary would be scanned per token.
    private static final int STOP_IDS_MAX = 256;

    private GenerationFields() {}

    /// What `defaults` advises goes before OpenAI's defaults, and what is asked for before both.
    static SamplingOptions sampling(Fields fields, SamplingDefaults defaults, int vocabSize) {
        int topK = fields.integer("top_k", -1, Integer.MAX_VALUE, (int) defaults.or(Field.TOP_K, 0));
        return new SamplingOptions(
                fields.number("temperature", defaults.or(Field.TEMPERATURE, 1)),
                Math.max(0, topK), // vLLM's clients say -1 for all
                fields.number("top_p", defaults.or(Field.TOP_P, 1)),
                fields.number("min_p", defaults.or(Field.MIN_P, 0)),
                fields.number("repetition_penalty", defaults.or(Field.REPETITION_PENALTY, 1)),
                fields.number("presence_penalty", 0),
                fields.number("frequency_penalty", 0),
                logitBias(fields, vocabSize),
                fields.findLong("seed"));
    }

    static StopCondition stop(Fields fields, int maxTokens, int vocabSize) {
        return new StopCondition(
                maxTokens, stopStrings(fields), stopIds(fields, vocabSize), fields.flag("ignore_eos", Default.FALSE));
    }

    static Delivery delivery(Fields fields) {
        boolean stream = fields.flag("stream", Default.FALSE);
        if (fields.contains("stream_options") && !stream) {
            throw InvalidRequest.param("stream_options", "stream_options: only with stream = true");
        }
        boolean usage = fields.object("stream_options").flag("include_usage", Default.FALSE);
        if (!stream) {
            return Delivery.WHOLE;
        }
        return usage ? Delivery.STREAM_WITH_USAGE : Delivery.STREAM;
    }

    /// vLLM's: who gives the same salt shares cached prompts, and nobody else.
    static String cacheSalt(Fields fields) {
        return fields.contains("cache_salt") ? fields.string("cache_salt") : "";
    }

    /// The most tokens to generate after the longest of `prompts`: what was asked for, which must fit the
    /// context, or `otherwise` as far as it fits. `promptParam` names the prompt in failures.
    static int maxTokens(Fields fields, List<int[]> prompts, int contextLength, String promptParam, int otherwise) {
        int longest = 0;
        for (int[] prompt : prompts) {
            longest = Math.max(longest, prompt.length);
        }
        int left = contextLength - longest;
        String param = fields.contains("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
        int least = Wanted.isEchoed(fields) ? 0 : 1; // nothing but the prompt's own scores is a wish too
        int asked = fields.integer(param, least, Integer.MAX_VALUE, Math.max(1, Math.min(left, otherwise)));
        if (asked > left) {
            throw InvalidRequest.param(
                    promptParam,
                    "context_length_exceeded",
                    "this model's context is " + contextLength + " tokens; the prompt has " + longest + " and " + asked
                            + (fields.contains(param) ? " more were asked for" : " more must fit"));
        }
        return asked;
    }

    private static Map<Integer, Float> logitBias(Fields fields, int vocabSize) {
        Fields biases = fields.object("logit_bias");
        Map<Integer, Float> logitBias = new HashMap<>();
        for (String id : biases.values().keySet()) {
            logitBias.put(tokenId(id, biases.path(id), vocabSize), biases.number(id, 0));
        }
        return logitBias;
    }

    private static int tokenId(String id, String path, int vocabSize) {
        boolean number = !id.isEmpty() && id.length() <= 9 && id.chars().allMatch(c -> c >= '0' && c <= '9');
        if (!number) {
            throw Fields.wrong(path, "a token id as key", id);
        }
        return Fields.integer(Long.parseLong(id), path, 0, vocabSize - 1);
    }

    private static List<String> stopStrings(Fields fields) {
        if (fields.find("stop").orElse("") instanceof String stop) {
            return stop.isEmpty() ? List.of() : List.of(stop);
        }
        List<String> strings = new ArrayList<>();
        for (Object stop : fields.list("stop", StopCondition.STRINGS_MAX)) {
            if (!(stop instanceof String string)) {
                throw Fields.wrong("stop[" + strings.size() + "]", "a string", stop);
            }
            strings.add(string);
        }
        return strings;
    }

    private static Set<Integer> stopIds(Fields fields, int vocabSize) {
        Set<Integer> ids = new HashSet<>();
        int index = 0;
        for (Object id : fields.list("stop_token_ids", STOP_IDS_MAX)) {
            ids.add(Fields.integer(id, "stop_token_ids[" + index++ + "]", 0, vocabSize - 1));
        }
        return ids;
    }
}
