package dev.trimtab.error;

/// A valid input that needs something Trimtab does not have (an encoding, a family); the message names it.
public final class Unsupported extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public Unsupported(String message) {
        super(message);
    }
}
