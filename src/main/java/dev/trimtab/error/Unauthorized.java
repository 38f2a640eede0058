package dev.trimtab.error;

/// No key, or a key nobody issued.
public final class Unauthorized extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public Unauthorized(String message) {
        super(message);
    }
}
