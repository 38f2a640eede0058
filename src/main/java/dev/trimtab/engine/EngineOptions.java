package dev.trimtab.engine;

import dev.trimtab.error.BadConfiguration;

/// Limits of one engine.
///
/// - `maxSequences`: sequences running in one step
/// - `maxBatchedTokens`: token budget of a step, prefill chunks and decode tokens together
/// - `maxWaiting`: sequences that may wait, inbox included, before [Engine#submit] sheds
/// - `prefixReuse`: whether the KV blocks of prompts are kept for later sequences that begin alike
public record EngineOptions(int maxSequences, int maxBatchedTokens, int maxWaiting, PrefixReuse prefixReuse) {
    /// What a process serves with unless told otherwise.
    public static final EngineOptions DEFAULT = new EngineOptions(64, 512, 256);

    /// Whether computed KV blocks are shared between sequences.
    public enum PrefixReuse {
        ON,
        OFF
    }

    /// The same, each sequence with KV blocks of its own.
    public EngineOptions withoutPrefixReuse() {
        return new EngineOptions(maxSequences, maxBatchedTokens, maxWaiting, PrefixReuse.OFF);
    }

    /// With prefix reuse: it costs nothing where prompts differ.
    public EngineOptions(int maxSequences, int maxBatchedTokens, int maxWaiting) {
        this(maxSequences, maxBatchedTokens, maxWaiting, PrefixReuse.ON);
    }

    public EngineOptions {
        if (maxSequences < 1 || maxBatchedTokens < maxSequences || maxWaiting < 1) {
            throw new BadConfiguration(
                    "engine: 1 <= maxSequences <= maxBatchedTokens and 1 <= maxWaiting expected, found " + maxSequences
                            + ", " + maxBatchedTokens + ", " + maxWaiting);
        }
    }
}
