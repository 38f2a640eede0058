package dev.trimtab.api.openai;

import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.api.http.Endpoint;
import dev.trimtab.api.http.Endpoint.Access;
import dev.trimtab.api.http.Endpoint.Operation;
import dev.trimtab.api.http.Endpoint.Work;
import dev.trimtab.api.http.Exchange;
import dev.trimtab.variant.adapter.AdapterDirectory;
import io.vertx.core.http.HttpMethod;
import java.util.List;
import java.util.Map;

/// OpenAI's rows of the endpoint table.
public final class OpenAiEndpoints {
    private static final String EVENTS = "text/event-stream";

    private final RequestReader reader;
    private final Models models;
    private final Tokens tokens;
    private final ApiOptions.Limits limits;

    public OpenAiEndpoints(AdapterDirectory directory, ApiOptions.Limits limits) {
        this.reader = new RequestReader(directory);
        this.models = new Models(directory);
        this.tokens = new Tokens(directory);
        this.limits = limits;
    }

    public List<Endpoint> list() {
        return List.of(
                new Endpoint(HttpMethod.POST, "/v1/chat/completions", Access.CALLER, Work.BY_BODY, chat(), this::chat),
                new Endpoint(HttpMethod.POST, "/v1/completions", Access.CALLER, Work.BY_BODY, text(), this::text),
                new Endpoint(
                        HttpMethod.GET,
                        "/v1/models",
                        Access.CALLER,
                        Work.LOOP,
                        Operation.get("listModels", "The models that are served.", "ModelList"),
                        models::list),
                new Endpoint(
                        HttpMethod.GET,
                        "/v1/models/{id}",
                        Access.CALLER,
                        Work.LOOP,
                        Operation.get("getModel", "One model.", "Model"),
                        models::get),
                new Endpoint(
                        HttpMethod.POST,
                        "/tokenize",
                        Access.CALLER,
                        Work.BY_BODY,
                        Operation.post(
                                "tokenize", "Text or messages to token ids.", "TokenizeRequest", "TokenizeAnswer"),
                        tokens::tokenize),
                new Endpoint(
                        HttpMethod.POST,
                        "/detokenize",
                        Access.CALLER,
                        Work.BY_BODY,
                        Operation.post("detokenize", "Token ids to text.", "DetokenizeRequest", "DetokenizeAnswer"),
                        tokens::detokenize));
    }

    private static Operation chat() {
        return new Operation(
                "createChatCompletion",
                "Answers a conversation, whole or as a stream of events.",
                "ChatCompletionRequest",
                Map.of(Operation.JSON, "ChatCompletion", EVENTS, "ChatCompletionChunk"));
    }

    private static Operation text() {
        return new Operation(
                "createCompletion",
                "Continues a text, whole or as a stream of events.",
                "CompletionRequest",
                Map.of(Operation.JSON, "Completion", EVENTS, "Completion"));
    }

    private void chat(Exchange exchange, byte[] body) {
        answer(exchange, reader.chat(body));
    }

    private void text(Exchange exchange, byte[] body) {
        answer(exchange, reader.text(body));
    }

    private void answer(Exchange exchange, CompletionRequest request) {
        exchange.describe(request.shape().operation(), request.variant().name());
        new Sequences(exchange, request, limits).submit();
    }
}
