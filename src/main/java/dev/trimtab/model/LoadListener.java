package dev.trimtab.model;

/// Hears how far a load has come: for progress bars.
@FunctionalInterface
public interface LoadListener {
    /// Hears nothing.
    LoadListener NONE = (_, _) -> {};

    /// `done` of the model's `total` weights have been packed.
    void packed(long done, long total);
}
