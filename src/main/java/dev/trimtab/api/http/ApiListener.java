package dev.trimtab.api.http;

/// Hears what the HTTP edge does, on the event loop; for telemetry. Must not block.
public interface ApiListener {
    /// Hears nothing.
    ApiListener NONE = new ApiListener() {};

    /// A request came in. One [#finished] follows.
    default void started() {}

    /// A request was answered, or its client went away.
    default void finished(RequestReport report) {}
}
