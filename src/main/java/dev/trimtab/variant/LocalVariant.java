package dev.trimtab.variant;

import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.engine.Engine;
import dev.trimtab.engine.EngineStatus;
import dev.trimtab.engine.Generation;
import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.TokenSink;
import dev.trimtab.model.ForwardPass;
import dev.trimtab.model.Model;
import dev.trimtab.template.ChatTemplate;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.adapter.Adapters;
import dev.trimtab.variant.adapter.LocalAdapters;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;

/// A variant that runs in this process, behind an engine of ours whatever computes it.
final class LocalVariant implements Variant {
    private final String name;
    private final long createdEpochSeconds;
    private final ForwardPass model;
    private final Tokenizer tokenizer;
    private final Optional<ChatTemplate> chatTemplate;
    private final SamplingDefaults samplingDefaults;
    private final Engine engine;
    private final Adapters adapters;
    private final Map<String, Object> description;
    private final Optional<KeptTokens> keptTokens;
    private final Runnable release;

    /// `release` stops `engine` and frees what only this variant uses.
    LocalVariant(String name, LoadedCheckpoint<?> loaded, Engine engine, LocalAdapters adapters, Runnable release) {
        this.name = name;
        this.createdEpochSeconds = Clock.systemUTC().instant().getEpochSecond();
        this.model = loaded.model();
        this.tokenizer = loaded.tokenizer();
        this.chatTemplate = loaded.chatTemplate();
        this.samplingDefaults = loaded.samplingDefaults();
        this.engine = engine;
        this.adapters = adapters;
        this.description = loaded.description();
        this.keptTokens = loaded.keptTokens();
        this.release = release;
    }

    /// Fails what still runs and frees its memory; it must not be used afterwards.
    void release() {
        release.run();
    }

    ForwardPass model() {
        return model;
    }

    Optional<KeptTokens> keptTokens() {
        return keptTokens;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long createdEpochSeconds() {
        return createdEpochSeconds;
    }

    @Override
    public int contextLength() {
        return model.contextLength();
    }

    @Override
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    @Override
    public Optional<ChatTemplate> chatTemplate() {
        return chatTemplate;
    }

    @Override
    public Map<String, Object> templateDefaults() {
        return Prompts.templateDefaults(tokenizer());
    }

    @Override
    public SamplingDefaults samplingDefaults() {
        return samplingDefaults;
    }

    @Override
    public Generation submit(GenerationRequest request, TokenSink sink) {
        return engine.submit(request, sink);
    }

    @Override
    public Adapters adapters() {
        return adapters;
    }

    @Override
    public EngineStatus status() {
        return engine.status();
    }

    @Override
    public WeightBytes weightBytes() {
        return model instanceof Model ours
                ? new WeightBytes(ours.weightBytes() - ours.sharedBytes(), ours.sharedBytes())
                : Variant.super.weightBytes();
    }

    @Override
    public Map<String, Object> description() {
        return description;
    }
}
