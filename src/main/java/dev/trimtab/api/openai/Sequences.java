package dev.trimtab.api.openai;

import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.api.http.Exchange;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.Generation;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TrimtabException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/// The sequences that answer one request, and the way of their events from the engine thread to the request's
/// event loop: a queue, and at most one hand-over under way. What the engine says while the loop is busy is
/// taken with the next hand-over, in one go.
///
/// When the client goes away, the answer fails or the backlog grows past its limit, all of them are
/// cancelled.
final class Sequences {
    /// Text of joined deltas grows no further than this in one chunk.
    private static final int JOINED_CHARS_MAX = 4_096;

    /// What a token's log probability takes in memory, as that many characters of text would.
    private static final int LOGPROB_CHARS = 16;

    private record Tagged(int index, TokenEvent event) {}

    private final Exchange exchange;
    private final CompletionRequest request;
    private final Answer answer;
    private final int backlogCharsMax;
    private final Queue<Generation> generations = new ConcurrentLinkedQueue<>();
    private final Queue<Tagged> events = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean handedOver = new AtomicBoolean();
    private final AtomicLong backlogChars = new AtomicLong();
    private volatile boolean cancelled;
    // Of the loop only:
    private boolean behind; // the client did not keep up, so deltas are joined
    private boolean over; // failed or abandoned, so nothing more is told

    Sequences(Exchange exchange, CompletionRequest request, ApiOptions.Limits limits) {
        this.exchange = exchange;
        this.request = request;
        this.backlogCharsMax = limits.pendingCharsMax();
        this.answer = request.isStreamed()
                ? new StreamedAnswer(exchange, request, limits, this::resume)
                : new WholeAnswer(exchange, request);
    }

    /// Submits all, from any thread. When one is refused, those before it are cancelled and the request
    /// fails.
    void submit() {
        exchange.onLoop(() -> {
            answer.start();
            exchange.onGone(this::abandon);
        });
        try {
            for (int index = 0; index < request.sequences() && !cancelled; index++) {
                submit(index);
            }
        } catch (TrimtabException e) {
            cancel();
            exchange.onLoop(() -> fail(e));
        }
    }

    private void submit(int index) {
        GenerationRequest sequence = request.sequence(exchange.requestId(), index);
        Generation generation = request.variant().submit(sequence, event -> accept(index, event));
        generations.add(generation);
        if (cancelled) {
            generation.cancel();
        }
    }

    /// Ends all of them at the engine's next step. From any thread.
    void cancel() {
        cancelled = true;
        generations.forEach(Generation::cancel);
    }

    // The stream has room again.
    private void resume() {
        behind = true;
        drain();
    }

    // On the engine thread.
    private void accept(int index, TokenEvent event) {
        if (cancelled) {
            return;
        }
        boolean urgent = request.isStreamed();
        if (event instanceof TokenEvent.Delta delta) {
            if (delta.text().isEmpty() && delta.logprobs().isEmpty()) {
                return;
            }
            urgent &= isWithinBacklog(delta);
        } else {
            urgent = !(event instanceof TokenEvent.PromptScored);
        }
        events.add(new Tagged(index, event));
        if (urgent && handedOver.compareAndSet(false, true)) {
            exchange.later(this::drain);
        }
    }

    private boolean isWithinBacklog(TokenEvent.Delta delta) {
        if (backlogChars.addAndGet(cost(delta)) <= backlogCharsMax) {
            return true;
        }
        cancel();
        exchange.later(exchange::cut);
        return false;
    }

    // In characters, which are what most deltas are made of.
    private static int cost(TokenEvent.Delta delta) {
        int cost = delta.text().length();
        for (TokenEvent.Logprobs token : delta.logprobs()) {
            cost += LOGPROB_CHARS * (1 + token.top().size());
        }
        return cost;
    }

    // On the loop. The mark is lifted first: an event that comes while draining is either seen here or hands over anew.
    private void drain() {
        handedOver.set(false);
        while (!over && answer.hasRoom()) {
            Tagged next = events.poll();
            if (next == null) {
                behind = false;
                break;
            }
            tell(next);
        }
        answer.flush();
    }

    private void tell(Tagged tagged) {
        int index = tagged.index();
        switch (tagged.event()) {
            case TokenEvent.Delta delta -> {
                TokenEvent.Delta taken = behind ? joined(index, delta) : taken(delta);
                answer.delta(index, taken.text(), taken.logprobs());
            }
            case TokenEvent.PromptScored scored -> answer.promptScored(index, scored.logprobs());
            case TokenEvent.Finished finished when finished.reason() == FinishReason.CANCELLED -> fail(endedByServer());
            case TokenEvent.Finished finished -> answer.finished(index, finished.reason(), finished.usage());
            case TokenEvent.Failed failed -> fail(failed.error());
        }
    }

    private TokenEvent.Delta taken(TokenEvent.Delta delta) {
        if (request.isStreamed()) {
            backlogChars.addAndGet(-cost(delta));
        }
        return delta;
    }

    private TokenEvent.Delta joined(int index, TokenEvent.Delta first) {
        StringBuilder text = new StringBuilder(taken(first).text());
        List<TokenEvent.Logprobs> logprobs = new ArrayList<>(first.logprobs());
        int tokens = first.tokens();
        while (text.length() < JOINED_CHARS_MAX
                && events.peek() instanceof Tagged(int next, TokenEvent.Delta delta)
                && next == index) {
            text.append(taken(delta).text());
            logprobs.addAll(delta.logprobs());
            tokens += delta.tokens();
            events.remove();
        }
        return new TokenEvent.Delta(text.toString(), tokens, logprobs);
    }

    private void fail(TrimtabException error) {
        cancel();
        if (!over) {
            over = true;
            answer.failed(error);
        }
    }

    private void abandon() {
        cancel();
        over = true;
        answer.abandoned();
    }

    // Nobody here asked for it: the variant is being unloaded or the server stops.
    private static Overloaded endedByServer() {
        return new Overloaded(
                Overloaded.Scope.SERVER, "cancelled", Duration.ofSeconds(1), "the server ended this request early");
    }
}
