package dev.trimtab.error;

/// A checkpoint that breaks its format's rules or contradicts itself. Nothing of it is used.
public final class BadCheckpoint extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public BadCheckpoint(String message) {
        super(message);
    }

    public BadCheckpoint(String message, Throwable cause) {
        super(message, cause);
    }

    /// `where` is the file or `file: tensor name`; the two sides are named so that the reader need not guess.
    public static BadCheckpoint mismatch(String where, Object expected, Object found) {
        return new BadCheckpoint(where + ": expected " + expected + ", found " + found);
    }
}
