package dev.trimtab.engine;

import java.util.ArrayList;
import java.util.List;

/// Keeps the events of one sequence and checks their order.
final class RecordingSink implements TokenSink {
    private final StringBuilder text = new StringBuilder();
    private final List<TokenEvent> last = new ArrayList<>();
    private final List<TokenEvent.Logprobs> promptScores = new ArrayList<>();
    private final List<TokenEvent.Logprobs> scores = new ArrayList<>();
    private int throwAfter = Integer.MAX_VALUE;
    private int tokens;
    private int deltas;

    /// Throws at the delta after `deltas` of them, and at all events that follow.
    RecordingSink throwingAfter(int deltas) {
        throwAfter = deltas;
        return this;
    }

    @Override
    public void accept(TokenEvent event) {
        assert last.isEmpty() : "an event after the last: " + event;
        switch (event) {
            case TokenEvent.Delta delta -> {
                deltas++;
                text.append(delta.text());
                tokens += delta.tokens();
                scores.addAll(delta.logprobs());
            }
            case TokenEvent.PromptScored scored -> {
                assert deltas == 0 : "scores after a delta";
                promptScores.addAll(scored.logprobs());
            }
            case TokenEvent.Finished _, TokenEvent.Failed _ -> last.add(event);
        }
        if (deltas > throwAfter) {
            throw new IllegalStateException("the client has gone");
        }
    }

    String text() {
        return text.toString();
    }

    /// What came of the prompt.
    List<TokenEvent.Logprobs> promptScores() {
        return promptScores;
    }

    /// What came of the output.
    List<TokenEvent.Logprobs> scores() {
        return scores;
    }

    int tokens() {
        return tokens;
    }

    boolean isOver() {
        return !last.isEmpty();
    }

    boolean threw() {
        return deltas > throwAfter;
    }

    /// The event that ended it.
    TokenEvent last() {
        assert isOver() : "not ended";
        return last.getFirst();
    }

    FinishReason reason() {
        return ((TokenEvent.Finished) last()).reason();
    }

    Usage usage() {
        return ((TokenEvent.Finished) last()).usage();
    }

    boolean failed() {
        return isOver() && last() instanceof TokenEvent.Failed;
    }
}
