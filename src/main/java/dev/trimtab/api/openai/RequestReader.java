package dev.trimtab.api.openai;

import dev.trimtab.api.http.Fields;
import dev.trimtab.api.http.Fields.Default;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.variant.Prompts;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.adapter.AdapterDirectory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// From a body to a request that can be submitted: parse, check, render, tokenize.
final class RequestReader {
    /// OpenAI's default for plain completions.
    private static final int TEXT_MAX_TOKENS = 16;

    private static final int TOOLS_MAX = 128;

    private final AdapterDirectory directory;

    RequestReader(AdapterDirectory directory) {
        this.directory = directory;
    }

    CompletionRequest chat(byte[] body) {
        Fields fields = Fields.ofBody(body);
        Variant variant = directory.get(fields.string("model"));
        Unserved.refuse(Shape.CHAT, fields);
        return request(Shape.CHAT, fields, variant, List.of(chatPrompt(fields, variant)), Wanted.chat(fields));
    }

    CompletionRequest text(byte[] body) {
        Fields fields = Fields.ofBody(body);
        Variant variant = directory.get(fields.string("model"));
        Unserved.refuse(Shape.TEXT, fields);
        List<Prompt> prompts = textPrompts(fields, variant);
        Wanted wanted = Wanted.text(fields, prompts.stream().map(Prompt::text).toList());
        return request(
                Shape.TEXT, fields, variant, prompts.stream().map(Prompt::ids).toList(), wanted);
    }

    /// The prompt of a chat: its messages, tools and template variables.
    static int[] chatPrompt(Fields fields, Variant variant) {
        Map<String, @Nullable Object> extra =
                new HashMap<>(fields.object("chat_template_kwargs").values());
        extra.put("add_generation_prompt", fields.flag("add_generation_prompt", Default.TRUE));
        List<?> tools = fields.list("tools", TOOLS_MAX);
        boolean withheld = "none".equals(fields.find("tool_choice").orElse("auto"));
        extra.put("tools", tools.isEmpty() || withheld ? null : tools);
        return Prompts.chat(variant, ChatMessages.read(fields), extra);
    }

    private static CompletionRequest request(
            Shape shape, Fields fields, Variant variant, List<int[]> prompts, Wanted wanted) {
        int vocabSize = variant.tokenizer().vocabulary().size();
        SamplingOptions sampling = GenerationFields.sampling(fields, variant.samplingDefaults(), vocabSize);
        String promptParam = shape == Shape.CHAT ? "messages" : "prompt";
        int maxTokensDefault = shape == Shape.CHAT ? Integer.MAX_VALUE : TEXT_MAX_TOKENS;
        int maxTokens =
                GenerationFields.maxTokens(fields, prompts, variant.contextLength(), promptParam, maxTokensDefault);
        StopCondition stop = GenerationFields.stop(fields, maxTokens, vocabSize);
        return new CompletionRequest(
                shape,
                variant,
                prompts,
                wanted,
                sampling,
                stop,
                GenerationFields.cacheSalt(fields),
                LoraField.read(fields, variant),
                GenerationFields.delivery(fields));
    }

    /// A prompt of a plain completion, as ids and as the text that is echoed.
    @SuppressWarnings("ArrayRecordComponent")
    private record Prompt(int[] ids, String text) {
        static Prompt of(String path, String text, Variant variant) {
            return new Prompt(nonEmpty(path, Prompts.text(variant, text)), text);
        }

        static Prompt of(String path, List<?> list, Variant variant) {
            int[] ids = nonEmpty(
                    path,
                    Fields.ids(list, path, variant.tokenizer().vocabulary().size()));
            return new Prompt(ids, variant.tokenizer().decode(ids));
        }
    }

    private static List<Prompt> textPrompts(Fields fields, Variant variant) {
        Object prompt = fields.find("prompt").orElseThrow(() -> fields.missing("prompt", "a string or an array"));
        if (prompt instanceof String text) {
            return List.of(Prompt.of("prompt", text, variant));
        }
        List<?> list = fields.list("prompt", variant.contextLength() + CompletionRequest.CHOICES_MAX);
        if (!list.isEmpty() && list.getFirst() instanceof Number) {
            return List.of(Prompt.of("prompt", list, variant));
        }
        List<Prompt> prompts = new ArrayList<>();
        for (Object one : fields.list("prompt", CompletionRequest.CHOICES_MAX)) {
            String path = "prompt[" + prompts.size() + "]";
            prompts.add(
                    switch (one) {
                        case String text -> Prompt.of(path, text, variant);
                        case List<?> ids -> Prompt.of(path, ids, variant);
                        case null, default -> throw Fields.wrong(path, "a string or an array of token ids", one);
                    });
        }
        if (prompts.isEmpty()) {
            throw InvalidRequest.param("prompt", "prompt: at least one expected, found none");
        }
        return prompts;
    }

    private static int[] nonEmpty(String path, int[] ids) {
        if (ids.length == 0) {
            throw InvalidRequest.param(path, path + ": at least one token expected, found none");
        }
        return ids;
    }
}
