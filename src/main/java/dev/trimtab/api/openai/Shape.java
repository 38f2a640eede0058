package dev.trimtab.api.openai;

import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.engine.TokenEvent.Logprobs;
import java.util.List;

/// How the two completion endpoints spell the same answer: the constant fragments around text and reasons.
enum Shape {
    /// `/v1/chat/completions`: messages and deltas.
    CHAT("chat", "chatcmpl-", "chat.completion", "chat.completion.chunk") {
        @Override
        JsonWriter delta(JsonWriter json, String text) {
            return json.raw(DELTA).quoted(text).raw(CLOSE);
        }

        @Override
        JsonWriter lastDelta(JsonWriter json) {
            return json.raw(EMPTY_DELTA);
        }

        @Override
        JsonWriter message(JsonWriter json, String text) {
            return json.raw(MESSAGE).quoted(text).raw(REFUSAL);
        }

        @Override
        void logprobs(JsonWriter json, LogprobFields fields, List<Logprobs> tokens) {
            fields.chat(json, tokens);
        }
    },

    /// `/v1/completions`: plain text.
    TEXT("text_completion", "cmpl-", "text_completion", "text_completion") {
        @Override
        JsonWriter delta(JsonWriter json, String text) {
            return json.raw(TEXT_NAME).quoted(text);
        }

        @Override
        JsonWriter lastDelta(JsonWriter json) {
            return delta(json, "");
        }

        @Override
        JsonWriter message(JsonWriter json, String text) {
            return delta(json, text);
        }

        @Override
        void logprobs(JsonWriter json, LogprobFields fields, List<Logprobs> tokens) {
            fields.text(json, tokens);
        }
    };

    /// A chat stream's first delta for a choice.
    static final byte[] ROLE = JsonWriter.ascii(",\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");

    private static final byte[] DELTA = JsonWriter.ascii(",\"delta\":{\"content\":");
    private static final byte[] EMPTY_DELTA = JsonWriter.ascii(",\"delta\":{}");
    private static final byte[] CLOSE = JsonWriter.ascii("}");
    private static final byte[] MESSAGE = JsonWriter.ascii(",\"message\":{\"role\":\"assistant\",\"content\":");
    private static final byte[] REFUSAL = JsonWriter.ascii(",\"refusal\":null}");
    private static final byte[] TEXT_NAME = JsonWriter.ascii(",\"text\":");

    private final String operation;
    private final String idPrefix;
    private final String object;
    private final String chunkObject;

    Shape(String operation, String idPrefix, String object, String chunkObject) {
        this.operation = operation;
        this.idPrefix = idPrefix;
        this.object = object;
        this.chunkObject = chunkObject;
    }

    /// OpenTelemetry's name of the operation.
    String operation() {
        return operation;
    }

    String idPrefix() {
        return idPrefix;
    }

    /// The `object` of a whole answer.
    String object() {
        return object;
    }

    /// The `object` of one event of a stream.
    String chunkObject() {
        return chunkObject;
    }

    /// The part of a chunk's choice that carries `text`.
    abstract JsonWriter delta(JsonWriter json, String text);

    /// The part of a chunk's choice that goes with its finish reason.
    abstract JsonWriter lastDelta(JsonWriter json);

    /// The value of a choice's `logprobs`.
    abstract void logprobs(JsonWriter json, LogprobFields fields, List<Logprobs> tokens);

    /// The part of a whole answer's choice that carries all its text.
    abstract JsonWriter message(JsonWriter json, String text);
}
