package dev.trimtab.template;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Conversations that the tests of this package render.
final class Chats {
    static final Map<String, Object> TOOL = Map.of(
            "type",
            "function",
            "function",
            Map.of(
                    "name", "tide",
                    "description", "The tide's height at a place.",
                    "parameters",
                            Map.of(
                                    "type", "object",
                                    "properties",
                                            Map.of("place", Map.of("type", "string", "description", "A harbour.")),
                                    "required", List.of("place"))));

    private Chats() {}

    /// A user's and an assistant's turns, by a template's usual variables.
    static Map<String, Object> plain() {
        return context(List.of(
                message("user", "Good morning."),
                message("assistant", "Good morning! How can I help?"),
                message("user", "What is the tide?")));
    }

    /// As [#plain()], with a tool on offer.
    static Map<String, Object> withTools() {
        Map<String, Object> context = plain();
        context.put("tools", List.of(TOOL));
        return context;
    }

    static Map<String, Object> message(String role, String content) {
        return Map.of("role", role, "content", content);
    }

    static Map<String, Object> context(List<Map<String, Object>> messages) {
        Map<String, Object> context = new HashMap<>();
        context.put("messages", messages);
        context.put("add_generation_prompt", true);
        context.put("bos_token", "<s>");
        context.put("eos_token", "</s>");
        // Firefunction's names for the tools and the date.
        context.put("functions", "[]");
        context.put("datetime", "2025-07-10");
        return context;
    }
}
