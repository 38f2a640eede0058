package dev.trimtab.engine;

/// One sequence to generate: `prompt` is token ids, at least one. `id` names it in logs. Sequences share KV
/// blocks only with those of the same `cacheSalt` (a tenant, an adapter), so that nobody can tell from the
/// time a prompt takes what others have asked.
///
/// The array is not copied: the caller gives it away.
@SuppressWarnings("ArrayRecordComponent")
public record GenerationRequest(
        String id, int[] prompt, SamplingOptions sampling, StopCondition stop, String cacheSalt) {
    /// One that shares with all others that name no salt.
    public GenerationRequest(String id, int[] prompt, SamplingOptions sampling, StopCondition stop) {
        this(id, prompt, sampling, stop, "");
    }
}
