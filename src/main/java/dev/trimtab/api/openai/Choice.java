package dev.trimtab.api.openai;

import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.TokenEvent.Logprobs;
import java.util.ArrayList;
import java.util.List;

/// One sequence of a whole answer while it is gathered.
final class Choice {
    private final StringBuilder text;
    private final List<Logprobs> logprobs;
    private FinishReason reason = FinishReason.CANCELLED;
    private double logprobSum;
    private int scored;

    /// Begins with what the answer to `request` at `index` echoes.
    Choice(CompletionRequest request, int index) {
        this.text = new StringBuilder(request.echo(index));
        this.logprobs = new ArrayList<>(request.echoedLogprobs(index));
    }

    void promptScored(List<Logprobs> more) {
        logprobs.addAll(more);
    }

    void delta(String more, List<Logprobs> tokens) {
        text.append(more);
        logprobs.addAll(tokens);
        for (Logprobs token : tokens) {
            logprobSum += token.chosen().logprob();
        }
        scored += tokens.size();
    }

    void finished(FinishReason why) {
        reason = why;
    }

    String text() {
        return text.toString();
    }

    List<Logprobs> logprobs() {
        return logprobs;
    }

    FinishReason reason() {
        return reason;
    }

    /// By which the best of several are chosen; one that said nothing comes last.
    double meanLogprob() {
        return scored == 0 ? Double.NEGATIVE_INFINITY : logprobSum / scored;
    }
}
