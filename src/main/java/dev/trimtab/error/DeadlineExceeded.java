package dev.trimtab.error;

/// The request's deadline passed before it was done.
public final class DeadlineExceeded extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public DeadlineExceeded(String message) {
        super(message);
    }
}
