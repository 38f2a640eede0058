package dev.trimtab.engine;

/// One sequence to generate: `prompt` is token ids, at least one. `id` names it in logs.
///
/// The array is not copied: the caller gives it away.
@SuppressWarnings("ArrayRecordComponent")
public record GenerationRequest(String id, int[] prompt, SamplingOptions sampling, StopCondition stop) {}
