package dev.trimtab.error;

/// A body, upload or list over its limit; the message names the limit.
public final class TooLarge extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public TooLarge(String message) {
        super(message);
    }
}
