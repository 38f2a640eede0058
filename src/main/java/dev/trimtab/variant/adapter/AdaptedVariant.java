package dev.trimtab.variant.adapter;

import dev.trimtab.engine.EngineStatus;
import dev.trimtab.engine.Generation;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.TokenSink;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.SamplingDefaults;
import dev.trimtab.variant.Variant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// A variant with one adapter, under the adapter's name: what a request gets that names an adapter as its model.
record AdaptedVariant(Variant base, ServedAdapter adapter) implements Variant {
    @Override
    public String name() {
        return adapter.name();
    }

    @Override
    public Optional<String> parent() {
        return Optional.of(base.name());
    }

    @Override
    public Adapters adapters() {
        return base.adapters();
    }

    @Override
    public long createdEpochSeconds() {
        return base.createdEpochSeconds();
    }

    @Override
    public int contextLength() {
        return base.contextLength();
    }

    @Override
    public Tokenizer tokenizer() {
        return base.tokenizer();
    }

    @Override
    public Optional<ChatTemplate> chatTemplate() {
        return base.chatTemplate();
    }

    @Override
    public Map<String, Object> templateDefaults() {
        return base.templateDefaults();
    }

    @Override
    public SamplingDefaults samplingDefaults() {
        return base.samplingDefaults();
    }

    /// @throws InvalidRequest when the request names adapters itself
    @Override
    public Generation submit(GenerationRequest request, TokenSink sink) {
        if (!request.adapters().isEmpty()) {
            throw InvalidRequest.param(
                    "lora", "lora: model `" + base.name() + "` expected beside it, found its adapter `" + name() + "`");
        }
        return base.submit(request.with(Map.of(name(), adapter.scale())), sink);
    }

    @Override
    public EngineStatus status() {
        return base.status();
    }

    @Override
    public Map<String, Object> description() {
        Map<String, Object> facts = new LinkedHashMap<>(base.description());
        facts.put("adapter_id", adapter.id());
        facts.put("adapter_scale", adapter.scale());
        facts.put("adapter_rank", adapter.rank());
        facts.put("adapter_bytes", adapter.sizeBytes());
        return facts;
    }
}
