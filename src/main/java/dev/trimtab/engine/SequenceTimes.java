package dev.trimtab.engine;

import java.util.Optional;

/// When things happened to one sequence, on the engine's clock; 0 stands for "not yet".
final class SequenceTimes {
    private final long submittedNanos;
    private long admittedNanos;
    private long firstTokenNanos;
    private long lastTokenNanos;

    SequenceTimes(long submittedNanos) {
        this.submittedNanos = submittedNanos;
    }

    /// It runs; true, and noted, the first time only, not again after preemption.
    boolean admit(long nowNanos) {
        boolean first = admittedNanos == 0;
        if (first) {
            admittedNanos = nowNanos;
        }
        return first;
    }

    void token(long nowNanos) {
        if (firstTokenNanos == 0) {
            firstTokenNanos = nowNanos;
        }
        lastTokenNanos = nowNanos;
    }

    SequenceReport report(Usage usage, Optional<FinishReason> reason, long nowNanos) {
        int gaps = usage.completionTokens() - 1;
        return new SequenceReport(
                usage,
                reason,
                (admittedNanos == 0 ? nowNanos : admittedNanos) - submittedNanos,
                firstTokenNanos == 0 ? 0 : firstTokenNanos - submittedNanos,
                gaps > 0 ? (lastTokenNanos - firstTokenNanos) / gaps : 0,
                nowNanos - submittedNanos);
    }
}
