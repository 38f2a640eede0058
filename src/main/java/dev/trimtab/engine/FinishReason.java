package dev.trimtab.engine;

/// Why a sequence ended.
public enum FinishReason {
    /// An end-of-generation token, stop id or stop string.
    STOP,
    /// The limit on tokens, or the end of the context.
    LENGTH,
    /// Somebody cancelled it, or its client went away.
    CANCELLED
}
