package dev.trimtab.error;

/// A configuration file, option or recipe that does not say something Trimtab can do. The operator must
/// change it.
public final class BadConfiguration extends TrimtabException {
    private static final long serialVersionUID = 1L;

    public BadConfiguration(String message) {
        super(message);
    }
}
