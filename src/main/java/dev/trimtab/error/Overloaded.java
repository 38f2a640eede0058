package dev.trimtab.error;

import java.time.Duration;

/// The request was shed; the same request may succeed after [#retryAfter()].
public final class Overloaded extends TrimtabException {
    private static final long serialVersionUID = 1L;

    /// Who has had too much: decides between 429 (the caller) and 503 (the server).
    public enum Scope {
        CALLER,
        SERVER
    }

    private final Scope scope;
    private final String dropReason;
    private final Duration retryAfter;

    /// `dropReason` is a short word for the metric and the `x-trimtab-drop-reason` header, such as
    /// `queue_full`.
    public Overloaded(Scope scope, String dropReason, Duration retryAfter, String message) {
        super(message);
        this.scope = scope;
        this.dropReason = dropReason;
        this.retryAfter = retryAfter;
    }

    public Scope scope() {
        return scope;
    }

    public String dropReason() {
        return dropReason;
    }

    public Duration retryAfter() {
        return retryAfter;
    }
}
