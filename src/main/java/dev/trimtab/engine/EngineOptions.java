package dev.trimtab.engine;

import dev.trimtab.error.BadConfiguration;

/// Limits of one engine.
///
/// - `maxSequences`: sequences running in one step
/// - `maxBatchedTokens`: token budget of a step, prefill chunks and decode tokens together
/// - `maxWaiting`: sequences that may wait, inbox included, before [Engine#submit] sheds
public record EngineOptions(int maxSequences, int maxBatchedTokens, int maxWaiting) {
    /// What a process serves with unless told otherwise.
    public static final EngineOptions DEFAULT = new EngineOptions(64, 512, 256);

    public EngineOptions {
        if (maxSequences < 1 || maxBatchedTokens < maxSequences || maxWaiting < 1) {
            throw new BadConfiguration(
                    "engine: 1 <= maxSequences <= maxBatchedTokens and 1 <= maxWaiting expected, found " + maxSequences
                            + ", " + maxBatchedTokens + ", " + maxWaiting);
        }
    }
}
