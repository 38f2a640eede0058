package dev.trimtab.api.http;

import java.util.Optional;

/// One answered request in figures. Every text is from a bounded set, so that it can be a metric's tag:
/// `endpoint` is the table's path (`/v1/models/{id}`) or `other`, `model` a served variant's name where one
/// was found, `operation` OpenTelemetry's word (`chat`, `text_completion`) for endpoints that generate,
/// `dropReason` why it was shed.
///
/// `status` is [#CLIENT_GONE] when the client left before the end.
public record RequestReport(
        String endpoint,
        int status,
        Optional<String> operation,
        Optional<String> model,
        Optional<String> dropReason,
        int promptTokens,
        int completionTokens,
        long durationNanos) {
    /// nginx's number for a client that closed its connection.
    public static final int CLIENT_GONE = 499;
}
