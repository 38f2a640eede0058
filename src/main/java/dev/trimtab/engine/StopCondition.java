package dev.trimtab.engine;

import dev.trimtab.error.InvalidRequest;
import java.util.List;
import java.util.Set;

/// When generation ends, beside the vocabulary's end-of-generation tokens (which `ignoreEos` switches off).
///
/// `maxTokens` may be 0, for a prompt that is only scored. Stop strings may cross token borders; neither they nor what
/// follows is returned.
public record StopCondition(int maxTokens, List<String> strings, Set<Integer> tokenIds, boolean ignoreEos) {
    /// vLLM's and llama-server's users send up to a dozen; each costs a scan of every piece of text.
    public static final int STRINGS_MAX = 16;

    /// Characters of one stop string: text is held back by up to this much.
    public static final int STRING_LENGTH_MAX = 256;

    public StopCondition {
        strings = List.copyOf(strings);
        tokenIds = Set.copyOf(tokenIds);
        if (maxTokens < 0) {
            throw InvalidRequest.param("max_tokens", "max_tokens: 0 or more expected, found " + maxTokens);
        }
        if (strings.size() > STRINGS_MAX) {
            throw InvalidRequest.param("stop", "stop: at most " + STRINGS_MAX + " strings, found " + strings.size());
        }
        for (String string : strings) {
            if (string.isEmpty() || string.length() > STRING_LENGTH_MAX) {
                throw InvalidRequest.param(
                        "stop", "stop: strings of 1.." + STRING_LENGTH_MAX + " characters, found " + string.length());
            }
        }
    }

    /// Only a limit on the number of tokens.
    public static StopCondition maxTokens(int maxTokens) {
        return new StopCondition(maxTokens, List.of(), Set.of(), false);
    }
}
