package dev.trimtab.api.openai;

import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.engine.Usage;
import dev.trimtab.variant.Variant;

/// What every part of one answer repeats: id, time, model, fingerprint.
record AnswerHead(String id, long createdEpochSeconds, String model, String fingerprint) {
    static AnswerHead of(Exchange exchange, CompletionRequest request) {
        return new AnswerHead(
                request.shape().idPrefix() + exchange.surroundings().ids().get(),
                exchange.surroundings().wallClock().instant().getEpochSecond(),
                request.variant().name(),
                fingerprint(request.variant()));
    }

    /// Changes when what answers under a model's name changes.
    static String fingerprint(Variant variant) {
        int hash = 31 * variant.name().hashCode() + variant.description().hashCode();
        return String.format("fp_%08x", hash);
    }

    /// Opens the object and writes its first fields.
    JsonWriter open(JsonWriter json, String object) {
        return json.beginObject()
                .name("id")
                .value(id)
                .name("object")
                .value(object)
                .name("created")
                .value(createdEpochSeconds)
                .name("model")
                .value(model)
                .name("system_fingerprint")
                .value(fingerprint);
    }

    /// Writes the field `usage`.
    static JsonWriter usage(JsonWriter json, Usage usage) {
        return json.name("usage")
                .beginObject()
                .name("prompt_tokens")
                .value(usage.promptTokens())
                .name("completion_tokens")
                .value(usage.completionTokens())
                .name("total_tokens")
                .value(usage.promptTokens() + usage.completionTokens())
                .name("prompt_tokens_details")
                .beginObject()
                .name("cached_tokens")
                .value(usage.cachedTokens())
                .endObject()
                .endObject();
    }
}
