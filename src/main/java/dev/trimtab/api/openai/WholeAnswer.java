package dev.trimtab.api.openai;

import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.TokenEvent.Logprobs;
import dev.trimtab.engine.Usage;
import dev.trimtab.error.TrimtabException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// An answer in one body, sent when the last sequence is done.
final class WholeAnswer implements Answer {
    private final Exchange exchange;
    private final CompletionRequest request;
    private final UsageSum usage;
    private final List<Choice> choices = new ArrayList<>();

    WholeAnswer(Exchange exchange, CompletionRequest request) {
        this.exchange = exchange;
        this.request = request;
        this.usage = new UsageSum(request);
        for (int index = 0; index < request.sequences(); index++) {
            choices.add(new Choice(request, index));
        }
    }

    @Override
    public void start() {}

    @Override
    public boolean hasRoom() {
        return true;
    }

    @Override
    public void promptScored(int index, List<Logprobs> logprobs) {
        choices.get(index).promptScored(logprobs);
    }

    @Override
    public void delta(int index, String text, List<Logprobs> logprobs) {
        choices.get(index).delta(text, logprobs);
    }

    @Override
    public void finished(int index, FinishReason reason, Usage usage) {
        choices.get(index).finished(reason);
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
        int index = 0;
        for (Choice choice : answers()) {
            json.beginObject().name("index").value(index++);
            request.shape().message(json, choice.text()).name("logprobs");
            logprobs(json, choice);
            json.name("finish_reason").value(Answer.word(choice.reason())).endObject();
        }
        AnswerHead.usage(json.endArray(), total).endObject();
        exchange.send(200, json.take());
    }

    /// The choices that are sent: of the sequences for each prompt the best, where there are more than wanted.
    private List<Choice> answers() {
        Wanted wanted = request.wanted();
        if (!wanted.ranks()) {
            return choices;
        }
        List<Choice> answers = new ArrayList<>();
        for (int first = 0; first < choices.size(); first += wanted.samples()) {
            choices.subList(first, first + wanted.samples()).stream()
                    .sorted(Comparator.comparingDouble(Choice::meanLogprob).reversed())
                    .limit(wanted.n())
                    .forEach(answers::add);
        }
        return answers;
    }

    private void logprobs(JsonWriter json, Choice choice) {
        if (request.wanted().logprobs()) {
            request.shape().logprobs(json, request.logprobFields(), choice.logprobs());
        } else {
            json.value(null);
        }
    }
}
