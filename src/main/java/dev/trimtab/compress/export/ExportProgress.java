package dev.trimtab.compress.export;

/// Hears how far an export is.
@FunctionalInterface
public interface ExportProgress {
    ExportProgress NONE = (_, _) -> {};

    /// `done` weights of `total` are made.
    void at(long done, long total);
}
