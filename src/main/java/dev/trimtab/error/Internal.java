package dev.trimtab.error;

/// A broken invariant: a fault of ours, never of the caller. The message is for the log, not for the caller.
public final class Internal extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public Internal(String message) {
        super(message);
    }

    public Internal(String message, Throwable cause) {
        super(message, cause);
    }
}
