package dev.trimtab.error;

import org.jspecify.annotations.Nullable;

/// The caller sent something that cannot be served as it stands; sending it again changes nothing.
public final class InvalidRequest extends TrimtabException {
    private static final long serialVersionUID = 1L;

    private final @Nullable String param;
    private final @Nullable String code;

    private InvalidRequest(String message, @Nullable String param, @Nullable String code) {
        super(message);
        this.param = param;
        this.code = code;
    }

    /// A request that is wrong as a whole (bad JSON, say).
    public static InvalidRequest of(String message) {
        return new InvalidRequest(message, null, null);
    }

    /// A field that is wrong. `param` is its path as the caller wrote it: `messages[2].content`.
    public static InvalidRequest param(String param, String message) {
        return new InvalidRequest(message, param, null);
    }

    /// As [#param(String, String)], with a code that clients branch on.
    public static InvalidRequest param(String param, String code, String message) {
        return new InvalidRequest(message, param, code);
    }

    /// A prompt, with what it may generate, that is longer than the context.
    public static InvalidRequest contextLengthExceeded(String message) {
        return new InvalidRequest(message, "messages", "context_length_exceeded");
    }

    /// The path of the field at fault, where there is one.
    public @Nullable String param() {
        return param;
    }

    /// OpenAI's `code`, where clients know one.
    public @Nullable String code() {
        return code;
    }
}
