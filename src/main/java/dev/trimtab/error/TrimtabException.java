package dev.trimtab.error;

/// The root of every failure Trimtab reports on purpose. The subtypes are the categories by which an edge
/// decides what to do: each renderer (OpenAI, problem+json, command line) is one exhaustive `switch` over
/// them, so that a new category does not compile until every edge handles it.
///
/// The message is one sentence that says what was found, what was expected and where.
public abstract sealed class TrimtabException extends RuntimeException
        permits InvalidRequest,
                TooLarge,
                NotFound,
                Unauthorized,
                Forbidden,
                Conflict,
                Overloaded,
                DeadlineExceeded,
                BadCheckpoint,
                BadConfiguration,
                Unavailable,
                Unsupported,
                Internal {
    private static final long serialVersionUID = 1L;

    TrimtabException(String message) {
        super(message);
    }

    TrimtabException(String message, Throwable cause) {
        super(message, cause);
    }
}
