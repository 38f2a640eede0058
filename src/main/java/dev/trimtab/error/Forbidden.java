package dev.trimtab.error;

/// A known caller that may not do this, or a host or origin that is not allowed.
public final class Forbidden extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public Forbidden(String message) {
        super(message);
    }
}
