package dev.trimtab.checkpoint.hub;

/// Hears how far a fetch has come.
@FunctionalInterface
public interface FetchListener {
    /// For who does not care.
    FetchListener NONE = (_, _) -> {};

    /// `done` of `total` bytes are here, those of earlier fetches included.
    void fetched(long done, long total);
}
