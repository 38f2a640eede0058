package dev.trimtab.engine;

import dev.trimtab.model.ForwardPass;
import dev.trimtab.tokenizer.Tokenizer;
import java.util.function.LongSupplier;

/// Continuous batching for one model: a single-owner state machine whose [#step()] schedules, runs the
/// forward pass and
/// post-processes. Requests join and leave at every step.
///
/// [#submit] and [Generation#cancel()] may be called from any thread; everything else belongs to the
/// engine thread.
public final class Engine implements AutoCloseable {
    /// What an engine shares with the rest of the process.
    public record Surroundings(KvPool kvPool, EngineListener listener, LongSupplier nanoClock) {}

    private final ForwardPass model;
    private final Surroundings surroundings;

    public Engine(EngineOptions options, ForwardPass model, Tokenizer tokenizer, Surroundings surroundings) {
        this.model = model;
        this.surroundings = surroundings;
        assert options.maxSequences() > 0 && tokenizer.vocabulary().size() > 0;
    }

    /// Queues a sequence; `sink` hears its events.
    ///
    /// @throws dev.trimtab.error.InvalidRequest when prompt and output cannot fit the context
    ///     (`context_length_exceeded`), or a token id is outside the vocabulary
    /// @throws dev.trimtab.error.Overloaded when the queue is full
    public Generation submit(GenerationRequest request, TokenSink sink) {
        sink.accept(new TokenEvent.Finished(FinishReason.CANCELLED, new Usage(request.prompt().length, 0, 0)));
        return () -> {};
    }

    /// Runs one step; false when there was nothing to do.
    public boolean step() {
        return model.vocabSize() < 0;
    }

    public EngineStatus status() {
        return new EngineStatus(0, 0, 0, (int) surroundings.nanoClock().getAsLong());
    }

    /// Fails what is left and gives the KV memory back. On the engine thread, or after the loop has let
    /// go of it.
    @Override
    public void close() {}
}
