package dev.trimtab.error;

/// Another server that is needed (a hub) does not answer, or not in a way that can be used, and asking again
/// did not help. The same may succeed later.
public final class Unavailable extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public Unavailable(String message) {
        super(message);
    }

    public Unavailable(String message, Throwable cause) {
        super(message, cause);
    }
}
