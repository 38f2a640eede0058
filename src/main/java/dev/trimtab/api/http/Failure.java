package dev.trimtab.api.http;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Conflict;
import dev.trimtab.error.DeadlineExceeded;
import dev.trimtab.error.Forbidden;
import dev.trimtab.error.Internal;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TooLarge;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.error.Unauthorized;
import dev.trimtab.error.Unavailable;
import dev.trimtab.error.Unsupported;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A failure as OpenAI's clients know it: status, `type`, `code`, `param`, message, and headers to send
/// along; and as a problem of RFC 9457, for administration.
///
/// One exhaustive switch makes it from a [TrimtabException]; what only HTTP knows (a path, a method, a slow
/// body) has a factory here.
public record Failure(
        int status,
        String type,
        @Nullable String code,
        @Nullable String param,
        String message,
        Map<String, String> headers) {
    private static final String INVALID = "invalid_request_error";
    private static final String SERVER = "server_error";

    /// What `error` means to the caller. An internal message stays inside.
    public static Failure of(TrimtabException error) {
        String message = String.valueOf(error.getMessage());
        return switch (error) {
            case InvalidRequest invalid -> invalid(400, invalid.code(), invalid.param(), message);
            case TooLarge _ -> invalid(413, "request_too_large", null, message);
            case NotFound _ -> invalid(404, "model_not_found", "model", message);
            case Unauthorized _ ->
                invalid(401, "invalid_api_key", null, message).with("WWW-Authenticate", "Bearer realm=\"trimtab\"");
            case Forbidden _ -> invalid(403, "forbidden", null, message);
            case Conflict _ -> invalid(409, "conflict", null, message);
            case Unsupported _ -> invalid(501, "unsupported", null, message);
            case BadCheckpoint _ -> invalid(422, "bad_checkpoint", null, message);
            case Overloaded overloaded -> overloaded(overloaded, message);
            case DeadlineExceeded _ -> server(504, "deadline_exceeded", message);
            case Unavailable _ -> server(502, "upstream_unavailable", message);
            case BadConfiguration _, Internal _ ->
                server(500, null, "an error of the server; the log has it under this request id");
        };
    }

    /// What `error` means to an operator, who can mend a recipe or a configuration and so is told about it.
    public static Failure forOperator(TrimtabException error) {
        return error instanceof BadConfiguration
                ? invalid(422, "bad_configuration", null, String.valueOf(error.getMessage()))
                : of(error);
    }

    /// No endpoint at `path`.
    public static Failure unknownPath(String method, String path) {
        return invalid(404, "unknown_url", null, "there is no " + method + " " + shortened(path));
    }

    /// An endpoint that has other methods; `allow` lists them.
    public static Failure wrongMethod(String method, String path, String allow) {
        return invalid(405, "method_not_allowed", null, method + " " + shortened(path) + ": expected " + allow)
                .with("Allow", allow);
    }

    /// A body that did not arrive in time.
    public static Failure slowBody(long seconds) {
        return invalid(408, "request_timeout", null, "the body did not arrive within " + seconds + " s");
    }

    /// OpenAI's error object.
    public Map<String, Object> openAi() {
        Map<String, @Nullable Object> error = new LinkedHashMap<>();
        error.put("message", message);
        error.put("type", type);
        error.put("param", param);
        error.put("code", code);
        return Map.of("error", error);
    }

    /// Problem details of RFC 9457. `type` names the kind of failure and leads nowhere; `param` and `code` are
    /// extension members, where there are any.
    Map<String, Object> problem(String instance) {
        Map<String, Object> problem = new LinkedHashMap<>();
        String kind = code == null ? type : code;
        problem.put("type", "urn:trimtab:problem:" + kind.replace('_', '-'));
        problem.put("title", HttpResponseStatus.valueOf(status).reasonPhrase());
        problem.put("status", status);
        problem.put("detail", message);
        problem.put("instance", instance);
        if (param != null) {
            problem.put("param", param);
        }
        problem.put("code", kind);
        return problem;
    }

    private Failure with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new Failure(status, type, code, param, message, more);
    }

    private static Failure overloaded(Overloaded overloaded, String message) {
        Failure failure = switch (overloaded.scope()) {
            case CALLER -> new Failure(429, "rate_limit_error", "rate_limit_exceeded", null, message, Map.of());
            case SERVER -> server(503, "overloaded", message);
        };
        long seconds = Math.max(1, Math.ceilDiv(overloaded.retryAfter().toMillis(), 1000));
        return failure.with("Retry-After", Long.toString(seconds))
                .with("x-trimtab-drop-reason", overloaded.dropReason());
    }

    private static Failure invalid(int status, @Nullable String code, @Nullable String param, String message) {
        return new Failure(status, INVALID, code, param, message, Map.of());
    }

    private static Failure server(int status, @Nullable String code, String message) {
        return new Failure(status, SERVER, code, null, message, Map.of());
    }

    private static String shortened(String path) {
        return path.length() <= 100 ? path : path.substring(0, 100) + "...";
    }
}
