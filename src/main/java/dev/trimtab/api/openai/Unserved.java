package dev.trimtab.api.openai;

import dev.trimtab.api.http.Fields;
import dev.trimtab.error.InvalidRequest;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Fields of the dialect that change the answer's form and that nothing here can honour. Asking for one is
/// refused by name: an answer that silently lacks what was asked for is worse than none. A value that asks
/// for nothing passes.
final class Unserved {
    private static final Map<String, Set<Object>> CHAT = Map.ofEntries(
            Map.entry("tool_choice", Set.of("auto", "none")),
            Map.entry("response_format", Set.of(Map.of("type", "text"))),
            Map.entry("modalities", Set.of(List.of("text"))),
            Map.entry("functions", Set.of(List.of())),
            Map.entry("function_call", Set.of("auto", "none")),
            Map.entry("audio", Set.of()),
            Map.entry("chat_template", Set.of()),
            Map.entry("continue_final_message", Set.of(false)),
            Map.entry("echo", Set.of(false)));

    private static final Map<String, Set<Object>> TEXT = Map.of(
            "response_format", Set.of(Map.of("type", "text")),
            "suffix", Set.of(""));

    /// vLLM's and llama-server's additions.
    private static final Map<String, Set<Object>> BOTH = Map.of(
            "min_tokens", Set.of(0L),
            "prompt_logprobs", Set.of(),
            "use_beam_search", Set.of(false),
            "structured_outputs", Set.of(),
            "guided_json", Set.of(),
            "guided_regex", Set.of(),
            "guided_choice", Set.of(),
            "guided_grammar", Set.of(),
            "grammar", Set.of(""),
            "json_schema", Set.of());

    private Unserved() {}

    static void refuse(Shape shape, Fields fields) {
        refuse(fields, BOTH);
        refuse(
                fields,
                switch (shape) {
                    case CHAT -> CHAT;
                    case TEXT -> TEXT;
                });
    }

    private static void refuse(Fields fields, Map<String, Set<Object>> passing) {
        passing.forEach((name, values) -> fields.find(name).ifPresent(value -> {
            if (!values.contains(value)) {
                throw InvalidRequest.param(
                        name, "unsupported_value", name + ": " + expectation(values) + ", found another");
            }
        }));
    }

    private static String expectation(Set<Object> values) {
        if (values.isEmpty()) {
            return "not supported, nothing expected";
        }
        return "only "
                + String.join(
                        " or ", values.stream().map(String::valueOf).sorted().toList()) + " is supported";
    }
}
