package dev.trimtab.api.http;

import io.vertx.core.buffer.Buffer;

/// How errors are told, by the path that was asked for.
enum Dialect {
    /// OpenAI's error object, on which its clients branch.
    OPEN_AI,
    /// RFC 9457, `application/problem+json`, for administration.
    PROBLEM;

    private static final String ADMIN = "/admin";

    static Dialect of(String path) {
        return path.equals(ADMIN) || path.startsWith(ADMIN + "/") ? PROBLEM : OPEN_AI;
    }

    String mediaType() {
        return switch (this) {
            case OPEN_AI -> Endpoint.Operation.JSON;
            case PROBLEM -> "application/problem+json";
        };
    }

    /// `instance` is where it happened: the path that was asked for.
    Buffer body(Failure failure, String instance) {
        return JsonWriter.write(
                switch (this) {
                    case OPEN_AI -> failure.openAi();
                    case PROBLEM -> failure.problem(instance);
                });
    }
}
