package dev.trimtab.api.openai;

import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.variant.Variant;
import java.util.List;
import java.util.OptionalLong;

/// A request of either completion endpoint, checked and tokenized: every prompt is answered `n` times.
///
/// The prompts are not copied; each sequence gets its own array where `n` asks for several.
record CompletionRequest(
        Shape shape,
        Variant variant,
        List<int[]> prompts,
        int n,
        SamplingOptions sampling,
        StopCondition stop,
        Delivery delivery) {
    /// How the answer is sent.
    enum Delivery {
        WHOLE,
        STREAM,
        STREAM_WITH_USAGE
    }

    /// OpenAI allows 128; eight sequences are what a small engine runs at once.
    static final int N_MAX = 8;

    /// Sequences of one request, so that one caller cannot fill the queue.
    static final int CHOICES_MAX = 64;

    CompletionRequest {
        if (prompts.size() * n > CHOICES_MAX) {
            throw InvalidRequest.param(
                    "n",
                    "n: at most " + CHOICES_MAX + " choices over all prompts expected, found " + prompts.size() * n);
        }
    }

    int choices() {
        return prompts.size() * n;
    }

    /// The prompt of choice `index`, given away: choices count through the answers to the first prompt first.
    int[] prompt(int index) {
        return n == 1 ? prompts.get(index) : prompts.get(index / n).clone();
    }

    /// The sampling of choice `index`: with a seed, the answers to one prompt take consecutive seeds, or they
    /// would be equal.
    SamplingOptions sampling(int index) {
        if (sampling.seed().isEmpty() || index % n == 0) {
            return sampling;
        }
        return new SamplingOptions(
                sampling.temperature(),
                sampling.topK(),
                sampling.topP(),
                sampling.minP(),
                sampling.repetitionPenalty(),
                sampling.presencePenalty(),
                sampling.frequencyPenalty(),
                sampling.logitBias(),
                OptionalLong.of(sampling.seed().getAsLong() + index % n));
    }

    boolean isStreamed() {
        return delivery != Delivery.WHOLE;
    }

    /// Tokens of all prompts, each counted once.
    int promptTokens() {
        int tokens = 0;
        for (int[] prompt : prompts) {
            tokens += prompt.length;
        }
        return tokens;
    }
}
