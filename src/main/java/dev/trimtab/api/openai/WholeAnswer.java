package dev.trimtab.api.openai;

import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.Usage;
import dev.trimtab.error.TrimtabException;

/// An answer in one body, sent when the last sequence is done.
final class WholeAnswer implements Answer {
    private final Exchange exchange;
    private final CompletionRequest request;
    private final UsageSum usage;
    private final StringBuilder[] texts;
    private final FinishReason[] reasons;

    WholeAnswer(Exchange exchange, CompletionRequest request) {
        this.exchange = exchange;
        this.request = request;
        this.usage = new UsageSum(request);
        this.reasons = new FinishReason[request.choices()];
        this.texts = new StringBuilder[request.choices()];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = new StringBuilder();
        }
    }

    @Override
    public void start() {}

    @Override
    public boolean hasRoom() {
        return true;
    }

    @Override
    public void delta(int index, String text) {
        texts[index].append(text);
    }

    @Override
    public void finished(int index, FinishReason reason, Usage usage) {
        reasons[index] = reason;
        if (this.usage.add(index, usage)) {
            send();
        }
    }

    @Override
    public void failed(TrimtabException error) {
        exchange.fail(error);
    }

    @Override
    public void abandoned() {}

    @Override
    public void flush() {}

    private void send() {
        Usage total = usage.total();
        exchange.describe(total.promptTokens(), total.completionTokens());
        JsonWriter json = new JsonWriter(1024);
        AnswerHead.of(exchange, request)
                .open(json, request.shape().object())
                .name("choices")
                .beginArray();
        for (int index = 0; index < texts.length; index++) {
            json.beginObject().name("index").value(index);
            request.shape().message(json, texts[index].toString());
            json.name("logprobs").value(null);
            json.name("finish_reason").value(Answer.word(reasons[index])).endObject();
        }
        AnswerHead.usage(json.endArray(), total).endObject();
        exchange.send(200, json.take());
    }
}
