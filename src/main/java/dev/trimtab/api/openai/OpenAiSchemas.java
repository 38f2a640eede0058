package dev.trimtab.api.openai;

import static dev.trimtab.api.http.Schemas.anyOf;
import static dev.trimtab.api.http.Schemas.array;
import static dev.trimtab.api.http.Schemas.flag;
import static dev.trimtab.api.http.Schemas.integer;
import static dev.trimtab.api.http.Schemas.map;
import static dev.trimtab.api.http.Schemas.number;
import static dev.trimtab.api.http.Schemas.object;
import static dev.trimtab.api.http.Schemas.optional;
import static dev.trimtab.api.http.Schemas.orNull;
import static dev.trimtab.api.http.Schemas.ref;
import static dev.trimtab.api.http.Schemas.required;
import static dev.trimtab.api.http.Schemas.string;
import static dev.trimtab.api.http.Schemas.word;

import dev.trimtab.api.http.Schemas.Property;
import dev.trimtab.engine.GenerationRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The bodies of OpenAI's dialect as schemas. Fields that are not listed are ignored.
public final class OpenAiSchemas {
    private OpenAiSchemas() {}

    /// By the names the endpoints use.
    public static Map<String, Map<String, Object>> all() {
        Map<String, Map<String, Object>> schemas = new LinkedHashMap<>();
        schemas.put("ChatCompletionRequest", chatRequest());
        schemas.put("CompletionRequest", textRequest());
        schemas.put("Message", message());
        schemas.put("Tool", tool());
        schemas.put("ChatCompletion", answer("chat.completion", required("message", ref("Message"))));
        schemas.put("ChatCompletionChunk", answer("chat.completion.chunk", required("delta", object("What is new."))));
        schemas.put("Completion", answer("text_completion", required("text", string("What was generated."))));
        schemas.put("Usage", usage());
        schemas.put("Model", model());
        schemas.put("ModelList", list());
        schemas.put("TokenizeRequest", tokenizeRequest());
        schemas.put("TokenizeAnswer", tokenizeAnswer());
        schemas.put(
                "DetokenizeRequest",
                object(
                        "Token ids.",
                        optional("model", string("The first one, when not given.")),
                        required("tokens", ids())));
        schemas.put("DetokenizeAnswer", object("Their text.", required("prompt", string(""))));
        return schemas;
    }

    private static Map<String, Object> chatRequest() {
        return object(
                "A conversation to continue.",
                with(
                        generation(),
                        required("messages", array("The conversation, oldest message first.", ref("Message"))),
                        optional("tools", array("Functions the model may ask for.", ref("Tool"))),
                        optional("tool_choice", word("`none` hides the tools from the model.", "auto", "none")),
                        optional(
                                "max_completion_tokens",
                                integer("Tokens to generate; default: the rest of the context.")),
                        optional(
                                "add_generation_prompt", flag("Whether the assistant's turn is opened; default true.")),
                        optional("logprobs", flag("Whether to report each token's log probability.")),
                        optional(
                                "top_logprobs",
                                integer(
                                        "Alternatives to report with each token; needs `logprobs`.",
                                        0,
                                        GenerationRequest.TOP_LOGPROBS_MAX)),
                        optional("chat_template_kwargs", map("More variables for the chat template.", Map.of()))));
    }

    private static Map<String, Object> textRequest() {
        return object(
                "Text to continue.",
                with(
                        generation(),
                        required(
                                "prompt",
                                anyOf(
                                        "One text or several, or token ids.",
                                        List.of(string(""), array("", string("")), ids(), array("", ids())))),
                        optional("echo", flag("Whether the answer begins with the prompt, scored with `logprobs`.")),
                        optional(
                                "logprobs",
                                integer(
                                        "Log probabilities of the tokens and this many alternatives.",
                                        0,
                                        Wanted.TEXT_LOGPROBS_MAX)),
                        optional(
                                "best_of",
                                integer("Answers to choose the `n` best from; not streamed.", 1, Wanted.N_MAX))));
    }

    private static List<Property> generation() {
        return List.of(
                required("model", string("A served model's id.")),
                optional("max_tokens", integer("Tokens to generate.", 1, Integer.MAX_VALUE)),
                optional("n", integer("Answers to each prompt; default 1.", 1, Wanted.N_MAX)),
                optional("stream", flag("Whether to send events as text is generated.")),
                optional(
                        "stream_options",
                        object("", optional("include_usage", flag("Whether a last event carries the usage.")))),
                optional("temperature", number("0 takes the most probable token; default 1.", 0, 2)),
                optional("top_p", number("Only tokens that make up this much probability; default 1.", 0, 1)),
                optional("top_k", integer("Only the most probable tokens; 0 or -1 is all.", -1, Integer.MAX_VALUE)),
                optional("min_p", number("Only tokens this probable, relative to the most probable.", 0, 1)),
                optional("repetition_penalty", number("Above 1 discourages tokens seen before.", 0, 10)),
                optional("presence_penalty", number("Subtracted once from tokens generated before.", -2, 2)),
                optional("frequency_penalty", number("Subtracted for each time a token was generated.", -2, 2)),
                optional("logit_bias", map("Added to the logits of token ids.", number("", -100, 100))),
                optional("seed", integer("The same seed and request give the same text.")),
                optional("stop", anyOf("Text that ends the answer.", List.of(string(""), array("", string(""))))),
                optional("stop_token_ids", ids()),
                optional("cache_salt", string("Cached prompts are shared with the same salt only.")),
                optional("lora", array("Adapters to answer with; others are off.", LoraField.schema())),
                optional("ignore_eos", flag("Whether to go on to the limit of tokens.")));
    }

    private static Map<String, Object> message() {
        Map<String, Object> part = object("", required("type", word("", "text")), required("text", string("")));
        return object(
                "One turn.",
                required("role", word("", "system", "developer", "user", "assistant", "tool")),
                required("content", anyOf("", List.of(string(""), array("", part), Map.of("type", "null")))),
                optional("tool_calls", array("What the assistant asked for.", object(""))),
                optional("tool_call_id", string("The call a tool answers.")));
    }

    private static Map<String, Object> tool() {
        Map<String, Object> function = object(
                "",
                required("name", string("")),
                optional("description", string("")),
                optional("parameters", object("A JSON Schema.")));
        return object("A function.", required("type", word("", "function")), required("function", function));
    }

    private static Map<String, Object> answer(String object, Property content) {
        Map<String, Object> choice = object(
                "",
                required("index", integer("")),
                content,
                required("logprobs", orNull(object("The tokens' log probabilities, where asked for."))),
                required("finish_reason", orNull(word("", "stop", "length"))));
        return object(
                "What was generated.",
                required("id", string("")),
                required("object", word("", object)),
                required("created", integer("Seconds since 1970.")),
                required("model", string("")),
                required("system_fingerprint", string("Changes when what answers changes.")),
                required("choices", array("", choice)),
                optional("usage", orNull(ref("Usage"))));
    }

    private static Map<String, Object> usage() {
        return object(
                "Tokens it took.",
                required("prompt_tokens", integer("")),
                required("completion_tokens", integer("")),
                required("total_tokens", integer("")),
                required("prompt_tokens_details", object("", required("cached_tokens", integer("")))));
    }

    private static Map<String, Object> model() {
        return object(
                "A served model.",
                required("id", string("")),
                required("object", word("", "model")),
                required("created", integer("Seconds since 1970.")),
                required("owned_by", string("")),
                required("max_model_len", integer("Tokens of prompt and answer together.")),
                required("trimtab", object("Facts about what runs.")));
    }

    private static Map<String, Object> list() {
        return object("All of them.", required("object", word("", "list")), required("data", array("", ref("Model"))));
    }

    private static Map<String, Object> tokenizeRequest() {
        return object(
                "A text, or messages as for a chat.",
                optional("model", string("The first one, when not given.")),
                optional("prompt", string("")),
                optional("messages", array("", ref("Message"))),
                optional("tools", array("", ref("Tool"))),
                optional("add_special_tokens", flag("Whether a text gets its BOS; default true.")),
                optional("add_generation_prompt", flag("Whether the assistant's turn is opened; default true.")),
                optional("return_token_strs", flag("Whether to return the tokens' texts.")));
    }

    private static Map<String, Object> tokenizeAnswer() {
        return object(
                "Token ids.",
                required("count", integer("")),
                required("max_model_len", integer("")),
                required("tokens", ids()),
                required("token_strs", orNull(array("", string("")))));
    }

    private static Map<String, Object> ids() {
        return array("Token ids.", integer("", 0, Integer.MAX_VALUE));
    }

    private static Property[] with(List<Property> shared, Property... own) {
        List<Property> all = new ArrayList<>(shared);
        all.addAll(Arrays.asList(own));
        return all.toArray(Property[]::new);
    }
}
