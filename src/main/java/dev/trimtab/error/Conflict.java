package dev.trimtab.error;

/// A change that contradicts the present state, such as loading a name that is taken.
public final class Conflict extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public Conflict(String message) {
        super(message);
    }
}
