package dev.trimtab.api.openai;

import dev.trimtab.api.http.Fields;
import dev.trimtab.api.http.Fields.Default;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.GenerationRequest.PromptScores;
import dev.trimtab.error.InvalidRequest;
import java.util.List;

/// What a request wants to see of what is generated.
///
/// @param n answers to each prompt
/// @param samples sequences for each prompt, of which the `n` best by mean log probability are answers
/// @param topLogprobs alternatives shown with each token, or [GenerationRequest#NO_LOGPROBS]
/// @param echoes the prompts' texts, to begin the answers with; empty where they are not wanted
record Wanted(int n, int samples, int topLogprobs, List<String> echoes) {
    /// OpenAI allows 128; eight sequences are what a small engine runs at once.
    static final int N_MAX = 8;

    /// OpenAI's limit for plain completions.
    static final int TEXT_LOGPROBS_MAX = 5;

    Wanted {
        echoes = List.copyOf(echoes);
        if (samples < n) {
            throw InvalidRequest.param("best_of", "best_of: n = " + n + " or more expected, found " + samples);
        }
    }

    static Wanted chat(Fields fields) {
        int n = n(fields);
        boolean logprobs = fields.flag("logprobs", Default.FALSE);
        int top = fields.integer("top_logprobs", 0, GenerationRequest.TOP_LOGPROBS_MAX, 0);
        if (fields.contains("top_logprobs") && !logprobs && top > 0) {
            throw InvalidRequest.param("top_logprobs", "top_logprobs: only with logprobs = true");
        }
        return new Wanted(n, n, logprobs ? top : GenerationRequest.NO_LOGPROBS, List.of());
    }

    /// @param prompts the prompts as texts
    static Wanted text(Fields fields, List<String> prompts) {
        int n = n(fields);
        int samples = fields.integer("best_of", 1, N_MAX, n);
        if (samples > n && fields.flag("stream", Default.FALSE)) {
            throw InvalidRequest.param("best_of", "best_of: results cannot be streamed where it is above n");
        }
        int top = fields.integer("logprobs", 0, TEXT_LOGPROBS_MAX, GenerationRequest.NO_LOGPROBS);
        return new Wanted(n, samples, top, isEchoed(fields) ? prompts : List.of());
    }

    static boolean isEchoed(Fields fields) {
        return fields.flag("echo", Default.FALSE);
    }

    private static int n(Fields fields) {
        return fields.integer("n", 1, N_MAX, 1);
    }

    boolean logprobs() {
        return topLogprobs != GenerationRequest.NO_LOGPROBS;
    }

    boolean echo() {
        return !echoes.isEmpty();
    }

    /// Whether answers are chosen among more.
    boolean ranks() {
        return samples > n;
    }

    /// What the engine is to report: ranking needs the chosen tokens' log probabilities, shown or not.
    int engineLogprobs() {
        return ranks() ? Math.max(0, topLogprobs) : topLogprobs;
    }

    PromptScores promptScores() {
        return logprobs() && echo() ? PromptScores.ALL : PromptScores.NONE;
    }
}
