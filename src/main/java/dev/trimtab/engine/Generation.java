package dev.trimtab.engine;

/// A submitted sequence, to its submitter.
public interface Generation {
    /// Ends it at the next step; its blocks are freed there. Idempotent, callable from any thread.
    void cancel();
}
