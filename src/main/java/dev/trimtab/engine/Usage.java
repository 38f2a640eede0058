package dev.trimtab.engine;

/// Tokens of one sequence. `cachedTokens` of the prompt were found in the prefix cache.
public record Usage(int promptTokens, int cachedTokens, int completionTokens) {}
