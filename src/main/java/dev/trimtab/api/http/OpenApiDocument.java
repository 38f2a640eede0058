package dev.trimtab.api.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The OpenAPI 3.1 document of a table of endpoints.
public final class OpenApiDocument {
    private static final int NO_CONTENT = 204;
    private static final String RESPONSES = "#/components/responses/";
    private static final String ERROR = "Error";
    private static final String PROBLEM = "Problem";

    private OpenApiDocument() {}

    /// `schemas` are those that the endpoints' operations name.
    public static Map<String, Object> of(List<Endpoint> endpoints, Map<String, Map<String, Object>> schemas) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("openapi", "3.1.0");
        document.put(
                "info",
                ordered(
                        "title",
                        "Trimtab",
                        "version",
                        "1",
                        "description",
                        "OpenAI-compatible serving of trimmed models."));
        document.put("paths", paths(endpoints));
        Map<String, Object> all = new LinkedHashMap<>(schemas);
        all.put(ERROR, errorSchema());
        all.put(PROBLEM, problemSchema());
        document.put(
                "components",
                ordered(
                        "schemas", all,
                        "responses", ordered(ERROR, failed(Dialect.OPEN_AI), PROBLEM, failed(Dialect.PROBLEM)),
                        "securitySchemes", Map.of("key", ordered("type", "http", "scheme", "bearer"))));
        return document;
    }

    private static Map<String, Object> failed(Dialect dialect) {
        return response("The request failed.", Map.of(dialect.mediaType(), schemaOf(dialect)));
    }

    private static String schemaOf(Dialect dialect) {
        return switch (dialect) {
            case OPEN_AI -> ERROR;
            case PROBLEM -> PROBLEM;
        };
    }

    private static Map<String, Object> paths(List<Endpoint> endpoints) {
        Map<String, Object> paths = new LinkedHashMap<>();
        Map<String, Map<String, Object>> items = new LinkedHashMap<>();
        for (Endpoint endpoint : endpoints) {
            items.computeIfAbsent(endpoint.path(), _ -> new LinkedHashMap<>())
                    .put(endpoint.method().name().toLowerCase(Locale.ROOT), operation(endpoint));
        }
        paths.putAll(items);
        return paths;
    }

    private static Map<String, Object> operation(Endpoint endpoint) {
        Endpoint.Operation facts = endpoint.operation();
        Map<String, Object> operation = ordered("operationId", facts.id(), "summary", facts.summary());
        if (endpoint.access() != Endpoint.Access.OPEN) {
            operation.put(
                    "security", List.of(Map.of(), Map.of("key", List.of()))); // a key only where any are configured
        }
        List<Map<String, Object>> parameters = parameters(endpoint);
        if (!parameters.isEmpty()) {
            operation.put("parameters", parameters);
        }
        if (endpoint.hasBody()) {
            Map<String, Object> content = content(Map.of(Endpoint.Operation.JSON, facts.requestSchema()));
            operation.put("requestBody", ordered("required", true, "content", content));
        }
        Map<String, Object> responses = new LinkedHashMap<>();
        for (int status : facts.statuses()) {
            responses.put(
                    Integer.toString(status),
                    status == NO_CONTENT ? Map.of("description", "Done.") : response("OK", facts.answers()));
        }
        Map<String, Object> error = Map.of("$ref", RESPONSES + schemaOf(Dialect.of(endpoint.path())));
        responses.put("4XX", error);
        responses.put("5XX", error);
        operation.put("responses", responses);
        return operation;
    }

    private static List<Map<String, Object>> parameters(Endpoint endpoint) {
        List<Map<String, Object>> parameters = new ArrayList<>();
        int parameter = endpoint.path().indexOf('{');
        if (parameter >= 0) {
            String name =
                    endpoint.path().substring(parameter + 1, endpoint.path().length() - 1);
            parameters.add(ordered("name", name, "in", "path", "required", true, "schema", Schemas.string("")));
        }
        for (Schemas.Property query : endpoint.operation().query()) {
            parameters.add(ordered("name", query.name(), "in", "query", "schema", query.schema()));
        }
        return parameters;
    }

    private static Map<String, Object> response(String description, Map<String, String> schemas) {
        return ordered("description", description, "content", content(schemas));
    }

    private static Map<String, Object> content(Map<String, String> schemas) {
        Map<String, Object> content = new LinkedHashMap<>();
        schemas.forEach((mediaType, schema) -> content.put(mediaType, Map.of("schema", Schemas.ref(schema))));
        return content;
    }

    private static Map<String, Object> errorSchema() {
        return Schemas.object(
                "What went wrong and who can change it.",
                Schemas.required(
                        "error",
                        Schemas.object(
                                "",
                                Schemas.required("message", Schemas.string("One sentence: expected, found, where.")),
                                Schemas.required("type", Schemas.string("The kind of failure.")),
                                Schemas.required("param", Schemas.orNull(Schemas.string("The field at fault."))),
                                Schemas.required("code", Schemas.orNull(Schemas.string("A word to branch on."))))));
    }

    private static Map<String, Object> problemSchema() {
        return Schemas.object(
                "Problem details (RFC 9457).",
                Schemas.required("type", Schemas.string("A URN that names the kind of problem.")),
                Schemas.required("title", Schemas.string("The status in words.")),
                Schemas.required("status", Schemas.integer("The HTTP status.")),
                Schemas.required("detail", Schemas.string("One sentence: expected, found, where.")),
                Schemas.required("instance", Schemas.string("The path that was asked for.")),
                Schemas.optional("param", Schemas.string("The field at fault.")),
                Schemas.required("code", Schemas.string("A word to branch on.")));
    }

    private static Map<String, Object> ordered(Object... namesAndValues) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            map.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return map;
    }
}
