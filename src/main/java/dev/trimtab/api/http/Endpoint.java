package dev.trimtab.api.http;

import io.vertx.core.http.HttpMethod;
import java.util.List;
import java.util.Map;

/// One row of the endpoint table: what routing, limits, access control and the OpenAPI document are made
/// from.
///
/// `path` is OpenAPI's form: a last segment `{id}` takes the rest of the path, slashes included, for model
/// names have them.
public record Endpoint(HttpMethod method, String path, Access access, Work work, Operation operation, Handler handler) {
    /// Who may call.
    public enum Access {
        /// Anybody who can connect: probes.
        OPEN,
        /// Callers with a key, where keys are configured.
        CALLER,
        /// Who may change what is served: see [AdminGate]. Changes and refused attempts are in the audit log.
        ADMIN
    }

    /// Where the handler runs.
    public enum Work {
        /// On the event loop: returns at once.
        LOOP,
        /// On the event loop for a short body, on a worker for a long one.
        BY_BODY,
        /// On a worker always.
        WORKER
    }

    /// What the OpenAPI document says: a unique id, a sentence, the names of the schemas of body (empty for
    /// none) and answer, and the media types of a good answer; its statuses, and the parameters of the query.
    public record Operation(
            String id,
            String summary,
            String requestSchema,
            Map<String, String> answers,
            List<Integer> statuses,
            List<Schemas.Property> query) {
        public static final String JSON = "application/json";

        /// Answered with 200, and without parameters.
        public Operation(String id, String summary, String requestSchema, Map<String, String> answers) {
            this(id, summary, requestSchema, answers, List.of(200), List.of());
        }

        /// The same, answered with one of `statuses`.
        public Operation answering(Integer... statuses) {
            return new Operation(id, summary, requestSchema, answers, List.of(statuses), query);
        }

        /// The same, with `query`.
        public Operation asking(Schemas.Property... query) {
            return new Operation(id, summary, requestSchema, answers, statuses, List.of(query));
        }

        /// Without a body, answered by JSON.
        public static Operation get(String id, String summary, String answerSchema) {
            return new Operation(id, summary, "", Map.of(JSON, answerSchema));
        }

        /// With a JSON body, answered by JSON.
        public static Operation post(String id, String summary, String requestSchema, String answerSchema) {
            return new Operation(id, summary, requestSchema, Map.of(JSON, answerSchema));
        }
    }

    /// Answers a request. What it throws becomes the error answer.
    @FunctionalInterface
    public interface Handler {
        void handle(Exchange exchange, byte[] body);
    }

    public boolean hasBody() {
        return !operation.requestSchema().isEmpty();
    }
}
