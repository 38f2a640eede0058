package dev.trimtab.engine;

import java.util.Optional;

/// A finished sequence in figures. Times in nanoseconds; `ttftNanos` runs from submission to the first output
/// token and `tpotNanos` is the mean gap of the later ones (both 0 where there was none); `reason` is empty
/// for a failure.
public record SequenceReport(
        Usage usage, Optional<FinishReason> reason, long queueNanos, long ttftNanos, long tpotNanos, long totalNanos) {}
