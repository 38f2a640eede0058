package dev.trimtab.api.openai;

import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.api.http.EventStream;
import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.Failure;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.api.openai.CompletionRequest.Delivery;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.TokenEvent.Logprobs;
import dev.trimtab.engine.Usage;
import dev.trimtab.error.TrimtabException;
import java.util.ArrayList;
import java.util.List;

/// An answer as server-sent events: per choice the role (chats only), what is echoed, a
/// chunk per delta, one with the finish
/// reason; then the usage where asked for, then `[DONE]`. A failure after the first byte is one event with
/// the error object and the end, without `[DONE]`; before it, an ordinary error answer.
///
/// A chunk costs a copy of constant bytes and one pass over its text.
final class StreamedAnswer implements Answer {
    private static final byte[] NO_REASON = JsonWriter.ascii(",\"logprobs\":null,\"finish_reason\":null}]");
    private static final byte[] LOGPROBS = JsonWriter.ascii(",\"logprobs\":");
    private static final byte[] NULL_REASON = JsonWriter.ascii(",\"finish_reason\":null}]");
    private static final byte[] REASON = JsonWriter.ascii(",\"logprobs\":null,\"finish_reason\":\"");
    private static final byte[] REASON_END = JsonWriter.ascii("\"}]");
    private static final byte[] NULL_USAGE = JsonWriter.ascii(",\"usage\":null");
    private static final byte[] CHOICES = JsonWriter.ascii(",\"choices\":[{\"index\":");
    private static final byte[] NO_CHOICES = JsonWriter.ascii(",\"choices\":[]");

    private final Exchange exchange;
    private final CompletionRequest request;
    private final EventStream stream;
    private final UsageSum usage;
    private final boolean[] opened;
    private final List<List<Logprobs>> promptScores = new ArrayList<>();
    private final List<LogprobFields> logprobFields = new ArrayList<>();
    private final byte[] head;

    StreamedAnswer(Exchange exchange, CompletionRequest request, ApiOptions.Limits limits, Runnable onRoom) {
        this.exchange = exchange;
        this.request = request;
        this.stream = new EventStream(exchange, limits, onRoom);
        this.usage = new UsageSum(request);
        this.opened = new boolean[request.sequences()];
        for (int index = 0; request.wanted().logprobs() && index < opened.length; index++) {
            promptScores.add(new ArrayList<>(request.echoedLogprobs(index)));
            logprobFields.add(request.logprobFields());
        }
        JsonWriter json = new JsonWriter(256);
        AnswerHead.of(exchange, request).open(json, request.shape().chunkObject());
        this.head = json.take().getBytes();
    }

    @Override
    public void start() {
        stream.start();
    }

    @Override
    public boolean hasRoom() {
        return !stream.isFull();
    }

    @Override
    public void promptScored(int index, List<Logprobs> logprobs) {
        promptScores.get(index).addAll(logprobs);
    }

    @Override
    public void delta(int index, String text, List<Logprobs> logprobs) {
        open(index);
        chunk(index, text, logprobs);
    }

    private void chunk(int index, String text, List<Logprobs> logprobs) {
        JsonWriter json = request.shape().delta(choice(index), text);
        if (logprobs.isEmpty()) {
            endChunk(json.raw(NO_REASON));
            return;
        }
        request.shape().logprobs(json.raw(LOGPROBS), logprobFields.get(index), logprobs);
        endChunk(json.raw(NULL_REASON));
    }

    @Override
    public void finished(int index, FinishReason reason, Usage usage) {
        open(index);
        byte[] word = JsonWriter.ascii(Answer.word(reason));
        endChunk(request.shape().lastDelta(choice(index)).raw(REASON).raw(word).raw(REASON_END));
        if (this.usage.add(index, usage)) {
            end();
        }
    }

    @Override
    public void failed(TrimtabException error) {
        if (!stream.hasBegun()) {
            stream.stop();
            exchange.fail(error);
            return;
        }
        Failure failure = exchange.failure(error);
        stream.event().value(failure.openAi());
        stream.endEvent();
        stream.end();
    }

    @Override
    public void abandoned() {
        stream.stop();
    }

    @Override
    public void flush() {
        stream.flush();
    }

    private void end() {
        Usage total = usage.total();
        exchange.describe(total.promptTokens(), total.completionTokens());
        if (request.delivery() == Delivery.STREAM_WITH_USAGE) {
            AnswerHead.usage(stream.event().raw(head).raw(NO_CHOICES), total).endObject();
            stream.endEvent();
        }
        stream.done();
    }

    private void open(int index) {
        if (opened[index]) {
            return;
        }
        opened[index] = true;
        if (request.shape() == Shape.CHAT) {
            endChunk(choice(index).raw(Shape.ROLE).raw(NO_REASON));
        }
        if (request.wanted().echo()) {
            chunk(index, request.echo(index), request.wanted().logprobs() ? promptScores.get(index) : List.of());
        }
    }

    private JsonWriter choice(int index) {
        return stream.event().raw(head).raw(CHOICES).raw(JsonWriter.ascii(Integer.toString(index)));
    }

    private void endChunk(JsonWriter json) {
        if (request.delivery() == Delivery.STREAM_WITH_USAGE) {
            json.raw(NULL_USAGE);
        }
        json.endObject();
        stream.endEvent();
    }
}
