package dev.trimtab.api.openai;

import dev.trimtab.api.http.Fields;
import dev.trimtab.api.http.JsonReader;
import dev.trimtab.error.InvalidRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// OpenAI's messages as chat templates want them: content as one text, the arguments of past tool calls as
/// objects, `developer` under its older name `system`. Fields nobody knows are passed on, for some templates
/// read more.
final class ChatMessages {
    /// A long agent session has some hundreds of turns; the context ends it sooner.
    static final int MESSAGES_MAX = 4_096;

    private static final int PARTS_MAX = 1_024;
    private static final int TOOL_CALLS_MAX = 128;
    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");

    private ChatMessages() {}

    static List<Map<String, Object>> read(Fields fields) {
        if (!fields.contains("messages")) {
            throw fields.missing("messages", "an array of messages");
        }
        List<?> given = fields.list("messages", MESSAGES_MAX);
        if (given.isEmpty()) {
            throw InvalidRequest.param("messages", "messages: at least one expected, found none");
        }
        List<Map<String, Object>> messages = new ArrayList<>(given.size());
        for (Object message : given) {
            messages.add(message(Fields.of(message, "messages[" + messages.size() + "]")));
        }
        return messages;
    }

    private static Map<String, Object> message(Fields fields) {
        Map<String, @Nullable Object> message = fields.values();
        message.put("role", role(fields));
        if (fields.contains("tool_calls")) {
            message.put("tool_calls", toolCalls(fields));
        }
        if (fields.contains("content") || !fields.contains("tool_calls")) {
            message.put("content", content(fields));
        }
        return message;
    }

    private static String role(Fields fields) {
        String given = fields.string("role");
        String role = given.equals("developer") ? "system" : given;
        if (!ROLES.contains(role)) {
            throw InvalidRequest.param(
                    fields.path("role"),
                    "invalid_value",
                    fields.path("role") + ": system, developer, user, assistant or tool expected, found " + given);
        }
        return role;
    }

    private static String content(Fields fields) {
        Object content = fields.find("content").orElseThrow(() -> fields.missing("content", "a string or parts"));
        if (content instanceof String text) {
            return text;
        }
        if (!(content instanceof List<?>)) {
            throw fields.wrong("content", "a string or an array of parts");
        }
        List<String> texts = new ArrayList<>();
        for (Object part : fields.list("content", PARTS_MAX)) {
            texts.add(part(Fields.of(part, fields.path("content") + "[" + texts.size() + "]")));
        }
        return String.join("\n", texts); // parts are paragraphs, as vLLM and llama-server take them
    }

    private static String part(Fields part) {
        String type = part.string("type");
        return switch (type) {
            case "text", "input_text" -> part.string("text");
            case "refusal" -> part.string("refusal");
            default ->
                throw InvalidRequest.param(
                        part.path("type"),
                        "unsupported_value",
                        part.path("type") + ": this model takes text only, found " + type);
        };
    }

    private static List<Object> toolCalls(Fields fields) {
        List<Object> calls = new ArrayList<>();
        for (Object given : fields.list("tool_calls", TOOL_CALLS_MAX)) {
            Fields call = Fields.of(given, fields.path("tool_calls") + "[" + calls.size() + "]");
            Fields function = call.object("function");
            function.string("name");
            function.values().put("arguments", arguments(function));
            call.values().put("function", function.values());
            calls.add(call.values());
        }
        return calls;
    }

    // OpenAI carries the arguments as JSON in a string; templates print them as an object.
    private static Map<String, @Nullable Object> arguments(Fields function) {
        Object given = function.find("arguments").orElse("");
        String path = function.path("arguments");
        if (!(given instanceof String text)) {
            return Fields.of(given, path).values();
        }
        if (text.isBlank()) {
            return new LinkedHashMap<>();
        }
        try {
            return Fields.of(JsonReader.read(text), path).values();
        } catch (InvalidRequest e) {
            throw InvalidRequest.param(path, path + ": a JSON object as string expected: " + e.getMessage());
        }
    }
}
