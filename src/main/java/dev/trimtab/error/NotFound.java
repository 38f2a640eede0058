package dev.trimtab.error;

/// What the caller named does not exist: a model, a variant, a path.
public final class NotFound extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public NotFound(String message) {
        super(message);
    }
}
