package dev.trimtab.api.openai;

import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.variant.Variant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// A request of either completion endpoint, checked and tokenized: every prompt is answered by as
/// many sequences as are wanted.
///
/// The prompts are not copied; each sequence gets its own array where there are several.
record CompletionRequest(
        Shape shape,
        Variant variant,
        List<int[]> prompts,
        Wanted wanted,
        SamplingOptions sampling,
        StopCondition stop,
        String cacheSalt,
        Map<String, Float> adapters,
        Delivery delivery) {
    /// How the answer is sent.
    enum Delivery {
        WHOLE,
        STREAM,
        STREAM_WITH_USAGE
    }

    /// Sequences of one request, so that one caller cannot fill the queue.
    static final int CHOICES_MAX = 64;

    CompletionRequest {
        int sequences = prompts.size() * wanted.samples();
        if (sequences > CHOICES_MAX) {
            String param = wanted.ranks() ? "best_of" : "n";
            throw InvalidRequest.param(
                    param,
                    param + ": at most " + CHOICES_MAX + " choices over all prompts expected, found " + sequences);
        }
    }

    /// Sequences that are run; those for the first prompt count first.
    int sequences() {
        return prompts.size() * wanted.samples();
    }

    /// What the engine is to run as sequence `index`.
    GenerationRequest sequence(String id, int index) {
        return new GenerationRequest(
                id,
                prompt(index),
                sampling(index),
                stop,
                cacheSalt,
                wanted.engineLogprobs(),
                wanted.promptScores(),
                adapters);
    }

    /// What the text of sequence `index` begins with.
    String echo(int index) {
        return wanted.echo() ? wanted.echoes().get(index / wanted.samples()) : "";
    }

    /// What the log probabilities of sequence `index` begin with: the prompt's first token, which has none.
    List<TokenEvent.Logprobs> echoedLogprobs(int index) {
        return wanted.promptScores() == GenerationRequest.PromptScores.ALL
                ? List.of(LogprobFields.unscored(prompts.get(index / wanted.samples())[0]))
                : List.of();
    }

    /// Given away: an array of its own, but for the first, which nobody reads afterwards.
    private int[] prompt(int index) {
        boolean shared = wanted.samples() > 1 || wanted.echo();
        int[] prompt = prompts.get(index / wanted.samples());
        return shared ? prompt.clone() : prompt;
    }

    /// With a seed, the answers to one prompt take consecutive seeds, or they would be equal.
    private SamplingOptions sampling(int index) {
        int sample = index % wanted.samples();
        if (sampling.seed().isEmpty() || sample == 0) {
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
                OptionalLong.of(sampling.seed().getAsLong() + sample));
    }

    /// Writes the log probabilities of one choice.
    LogprobFields logprobFields() {
        return wanted.echo()
                ? LogprobFields.ofEcho(variant.tokenizer())
                : LogprobFields.ofContinuation(variant.tokenizer());
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
