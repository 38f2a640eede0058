package dev.trimtab.model;

/// Hears how far a load has come: for progress bars.
@FunctionalInterface
public interface LoadListener {
    /// Hears nothing.
    LoadListener NONE = (_, _) -> {};

    /// `doneBytes` of the checkpoint's `totalBytes` of tensors have been packed.
    void packed(long doneBytes, long totalBytes);
}
