package dev.trimtab.variant;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import dev.trimtab.tokenizer.Vocabulary;
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

    /// One question to a model of `metadata`: by its template where it has one, else as it stands.
    public static int[] question(Metadata metadata, Tokenizer tokenizer, String question) {
        if (!metadata.contains("tokenizer.chat_template")) {
            return tokenizer.encodePrompt(question, ControlTokens.PARSE);
        }
        Map<String, Object> context = new HashMap<>(templateDefaults(tokenizer));
        context.put("add_generation_prompt", true);
        context.put("messages", List.of(Map.of("role", "user", "content", question)));
        String text =
                ChatTemplate.compile(metadata.string("tokenizer.chat_template")).render(context);
        return tokenizer.encodePrompt(text, ControlTokens.PARSE);
    }

    /// What every rendering of a template sees beside the messages: `bos_token` and `eos_token`.
    static Map<String, Object> templateDefaults(Tokenizer tokenizer) {
        Vocabulary vocabulary = tokenizer.vocabulary();
        Map<String, Object> defaults = new HashMap<>();
        vocabulary.bos().ifPresent(id -> defaults.put("bos_token", vocabulary.piece(id)));
        vocabulary.eos().ifPresent(id -> defaults.put("eos_token", vocabulary.piece(id)));
        return defaults;
    }

    /// Text to be continued as it stands.
    public static int[] text(Variant variant, String text) {
        return variant.tokenizer().encodePrompt(text, ControlTokens.PARSE);
    }
}
