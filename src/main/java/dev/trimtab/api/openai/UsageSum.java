package dev.trimtab.api.openai;

import dev.trimtab.engine.Usage;

/// The usage of a whole request: each prompt counts once, however many answers it got; every generated token
/// counts.
final class UsageSum {
    private final CompletionRequest request;
    private int open;
    private int cachedTokens;
    private int completionTokens;

    UsageSum(CompletionRequest request) {
        this.request = request;
        this.open = request.sequences();
    }

    /// Adds a choice that is done; true when it was the last.
    boolean add(int index, Usage usage) {
        if (index % request.wanted().samples() == 0) {
            cachedTokens += usage.cachedTokens();
        }
        completionTokens += usage.completionTokens();
        return --open == 0;
    }

    Usage total() {
        return new Usage(request.promptTokens(), cachedTokens, completionTokens);
    }
}
