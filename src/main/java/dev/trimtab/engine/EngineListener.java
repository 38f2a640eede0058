package dev.trimtab.engine;

/// Hears what an engine does, on the engine thread; for telemetry and, later, routing. Must not block.
public interface EngineListener {
    /// Hears nothing.
    EngineListener NONE = new EngineListener() {};

    /// One step was run: `prefillTokens` and `decodeTokens` of it, in `durationNanos`, of which
    /// `forwardNanos` in the model.
    default void stepped(int prefillTokens, int decodeTokens, long durationNanos, long forwardNanos) {}

    /// Memory ran out, and `sequences` running ones were put back to be computed again later.
    default void preempted(int sequences) {}

    /// A sequence ended, for whatever reason.
    default void finished(SequenceReport report) {}
}
