package dev.trimtab.variant;

import dev.trimtab.error.InvalidRequest;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Prompt ids of what a caller wrote, by a variant's own template and tokenizer.
public final class Prompts {
    private Prompts() {}

    /// A chat: `messages` as the template wants them (role, content, tool_calls ...), `extra` beside them
    /// (tools, say).
    ///
    /// @throws InvalidRequest when the checkpoint has no template, or its template refuses the messages
    public static int[] chat(Variant variant, List<Map<String, Object>> messages, Map<String, Object> extra) {
        ChatTemplate template = variant.chatTemplate()
                .orElseThrow(() -> InvalidRequest.param(
                        "model",
                        "model `" + variant.name() + "` has no chat template; use /v1/completions with the text as it"
                                + " should stand"));
        Map<String, Object> context = new HashMap<>(variant.templateDefaults());
        context.put("add_generation_prompt", true);
        context.putAll(extra);
        context.put("messages", messages);
        return variant.tokenizer().encodePrompt(template.render(context), ControlTokens.PARSE);
    }

    /// Text to be continued as it stands.
    public static int[] text(Variant variant, String text) {
        return variant.tokenizer().encodePrompt(text, ControlTokens.PARSE);
    }
}
