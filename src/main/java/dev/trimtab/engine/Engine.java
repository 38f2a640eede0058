package dev.trimtab.engine;

import dev.trimtab.error.Internal;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.ForwardPass;
import dev.trimtab.model.adapter.AdapterShelf;
import dev.trimtab.tokenizer.Tokenizer;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/// Continuous batching for one model: a single-owner state machine whose [#step()] schedules, runs the
/// forward pass and post-processes. Requests join and leave at every step.
///
/// [#submit], [#status()] and [Generation#cancel()] may be called from any thread; everything else belongs to
/// the engine thread.
///
/// A fault ends as little as it can: a row of logits with a NaN its own sequence, a sink that throws likewise
/// (it is cancelled), an exception from the forward pass the running sequences. After [#FAILURES_MAX] failed
/// steps in a row the engine is broken: it fails the waiting sequences too and refuses new ones.
public final class Engine implements AutoCloseable {
    /// One failure may be one bad batch, two may be bad luck; three in a row are a model that cannot run.
    static final int FAILURES_MAX = 3;

    private static final System.Logger LOG = System.getLogger(Engine.class.getName());

    /// What an engine shares with the rest of the process.
    public record Surroundings(KvPool kvPool, EngineListener listener, LongSupplier nanoClock) {}

    private final ForwardPass model;
    private final Tokenizer tokenizer;
    private final Surroundings surroundings;
    private final BlockPool blocks;
    private final Scheduler scheduler;
    private final TokenBatch batch;
    private final Sampler sampler;
    private final Inbox inbox;
    private final int lengthMax;
    private final int vocabSize;
    private int failures;
    private boolean listenerFaulty;
    private volatile int running;
    private volatile int blocksUsed;
    private volatile Runnable wakeUp = () -> {};

    /// @throws dev.trimtab.error.BadConfiguration when a KV block of the model does not fit an extent of the
    ///     pool
    public Engine(EngineOptions options, ForwardPass model, Tokenizer tokenizer, Surroundings surroundings) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.surroundings = surroundings;
        this.blocks = new BlockPool(surroundings.kvPool(), model.kvLayout().blockBytes(), options.prefixReuse());
        int tokenBudget = Math.min(options.maxBatchedTokens(), model.tokenCapacity());
        int seats = Math.min(Math.min(options.maxSequences(), model.logitCapacity()), tokenBudget);
        this.scheduler = new Scheduler(blocks, seats, tokenBudget, Math.min(model.logitCapacity(), tokenBudget));
        this.batch = new TokenBatch(surroundings.kvPool().memory(), tokenBudget, seats);
        this.vocabSize = Math.min(model.vocabSize(), tokenizer.vocabulary().size());
        this.sampler = new Sampler(vocabSize);
        this.inbox = new Inbox(options.maxWaiting());
        long poolTokens = (long) blocks.capacity() * KvLayout.BLOCK_TOKENS;
        this.lengthMax = (int) Math.min(model.contextLength(), poolTokens);
    }

    /// Queues a sequence; `sink` hears its events, the first of them perhaps before this returns. An output
    /// longer than the context leaves room for ends there, with [FinishReason#LENGTH].
    ///
    /// @throws dev.trimtab.error.InvalidRequest when the prompt leaves no room for output in the context
    ///     (`context_length_exceeded`), or a token id is outside the vocabulary
    /// @throws dev.trimtab.error.NotFound when it names an adapter that is not loaded
    /// @throws dev.trimtab.error.Overloaded when the queue is full, or the engine is closed
    /// @throws Internal when the engine is broken
    public Generation submit(GenerationRequest request, TokenSink sink) {
        request.check(vocabSize, lengthMax);
        Sequence.Times times = new Sequence.Times(surroundings.nanoClock().getAsLong());
        AdapterShelf.Lease adapters = model.adapters().lease(request.adapters());
        Sequence sequence = new Sequence(request, adapters, sink, tokenizer.detokenizer(), lengthMax, times);
        queue(sequence, adapters);
        wakeUp.run();
        return () -> {
            sequence.cancel();
            inbox.noteCancel();
            wakeUp.run();
        };
    }

    /// A sequence that is refused holds no adapters.
    private void queue(Sequence sequence, AdapterShelf.Lease adapters) {
        boolean queued = false;
        try {
            inbox.offer(sequence);
            queued = true;
        } finally {
            if (!queued) {
                adapters.close();
            }
        }
    }

    /// Runs one step; false when there was nothing to do.
    public boolean step() {
        try {
            boolean ended = endCancelled();
            long startNanos = surroundings.nanoClock().getAsLong();
            int preempted = scheduler.schedule(startNanos);
            if (preempted > 0) {
                tell(listener -> listener.preempted(preempted));
            }
            if (scheduler.scheduled().isEmpty()) {
                return ended;
            }
            run(startNanos);
            failures = 0;
        } catch (Throwable fault) {
            failRunning(fault);
        } finally {
            settle();
        }
        return true;
    }

    /// Whether there is something to do, or to wait for.
    boolean hasWork() {
        return inbox.hasMail() || scheduler.hasWork();
    }

    /// Whether sequences are left of which a step can run none: another engine holds the KV memory they need.
    boolean isStarved() {
        return scheduler.hasWork();
    }

    /// Called whenever [#hasWork()] may have become true; from any thread.
    void onWork(Runnable wakeUp) {
        this.wakeUp = wakeUp;
    }

    /// Takes arrivals in; true when any sequence was cancelled, and so ended.
    private boolean endCancelled() {
        if (!inbox.drainTo(scheduler.waiting())) {
            return false;
        }
        int ended = endCancelled(scheduler.running()) + endCancelled(scheduler.waiting());
        scheduler.forgetEnded();
        return ended > 0;
    }

    private int endCancelled(Iterable<Sequence> sequences) {
        int ended = 0;
        for (Sequence sequence : sequences) {
            if (sequence.isCancelled()) {
                finish(sequence);
                ended++;
            }
        }
        return ended;
    }

    private void run(long startNanos) {
        List<Sequence> scheduled = scheduler.scheduled();
        batch.clear();
        int decodes = 0;
        for (int i = 0; i < scheduled.size(); i++) {
            decodes += scheduled.get(i).isDecoding() ? 1 : 0;
            scheduled.get(i).fill(batch);
        }
        long forwardNanos = surroundings.nanoClock().getAsLong();
        Activations logits = model.forward(batch);
        long nowNanos = surroundings.nanoClock().getAsLong();
        int row = 0;
        for (int i = 0; i < scheduled.size(); i++) {
            Sequence sequence = scheduled.get(i);
            int scores = sequence.scheduledScores();
            boolean atEnd = sequence.advance();
            sequence.publishBlocks(blocks);
            if (scores > 0) {
                score(sequence, logits, row, scores);
                row += scores;
            }
            if (atEnd) {
                process(sequence, logits.values(), row * logits.stride(), nowNanos);
                row++;
            }
        }
        int decodeTokens = decodes;
        long endNanos = surroundings.nanoClock().getAsLong();
        tell(listener -> listener.stepped(
                batch.tokenCount() - decodeTokens, decodeTokens, endNanos - startNanos, nowNanos - forwardNanos));
    }

    /// Delivers what the rows from `row` on say of the next `count` tokens of the prompt.
    private void score(Sequence sequence, Activations logits, int row, int count) {
        List<TokenEvent.Logprobs> scores = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            scores.add(sequence.score(sampler, logits.values(), (row + i) * logits.stride()));
        }
        if (scores.stream().anyMatch(score -> Float.isNaN(score.chosen().logprob()))) {
            sequence.unpublishBlocks(blocks);
            fail(sequence, new Internal("sequence " + sequence.id() + ": the logits of the prompt hold a NaN"));
        } else if (!deliver(sequence, new TokenEvent.PromptScored(scores))) {
            finish(sequence);
        }
    }

    /// Samples the next token of `sequence` from its row of logits and delivers it.
    private void process(Sequence sequence, float[] logits, int offset, long nowNanos) {
        if (sequence.isEnded()) {
            return; // its prompt could not be scored, or nobody wants to know
        }
        if (sequence.endsWithPrompt()) {
            sequence.finishWithPrompt();
            finish(sequence);
            return;
        }
        int token = sequence.choose(sampler, logits, offset);
        if (token == Sampler.BAD_LOGITS) {
            sequence.unpublishBlocks(blocks);
            fail(
                    sequence,
                    new Internal("sequence " + sequence.id() + ": the logits after " + sequence.outputCount()
                            + " output tokens hold a NaN or have no finite maximum"));
            return;
        }
        sequence.times().token(nowNanos);
        TokenEvent.Delta delta = sequence.accept(token, tokenizer.vocabulary(), sampler);
        if (!deliver(sequence, delta) || sequence.isDone()) {
            finish(sequence);
        }
    }

    /// False when the sink threw.
    private static boolean deliver(Sequence sequence, TokenEvent event) {
        try {
            sequence.sink().accept(event);
            return true;
        } catch (Throwable fault) {
            if (!sequence.isEnded()) {
                LOG.log(Level.WARNING, "sequence " + sequence.id() + ": its sink threw; it is cancelled", fault);
            }
            return false;
        }
    }

    private void finish(Sequence sequence) {
        end(sequence, new TokenEvent.Finished(sequence.reason(), sequence.usage()), Optional.of(sequence.reason()));
    }

    private void fail(Sequence sequence, TrimtabException error) {
        end(sequence, new TokenEvent.Failed(error), Optional.empty());
    }

    private void end(Sequence sequence, TokenEvent last, Optional<FinishReason> reason) {
        sequence.end();
        sequence.releaseBlocks(blocks);
        deliver(sequence, last);
        SequenceReport report = sequence.times()
                .report(sequence.usage(), reason, surroundings.nanoClock().getAsLong());
        tell(listener -> listener.finished(report));
    }

    private void failRunning(Throwable fault) {
        LOG.log(Level.ERROR, "an engine step failed; its running sequences are failed", fault);
        failAll(scheduler.running(), new Internal("the engine step failed: " + fault, fault));
        if (++failures >= FAILURES_MAX) {
            LOG.log(Level.ERROR, "the engine failed " + failures + " steps in a row and takes no more sequences");
            shut(Inbox.Door.BROKEN);
        }
    }

    private void failAll(Iterable<Sequence> sequences, TrimtabException error) {
        for (Sequence sequence : sequences) {
            if (!sequence.isEnded()) {
                fail(sequence, error);
            }
        }
    }

    private void shut(Inbox.Door door) {
        TrimtabException refusal = inbox.shut(door);
        inbox.drainTo(scheduler.waiting());
        failAll(scheduler.running(), refusal);
        failAll(scheduler.waiting(), refusal);
    }

    /// Forgets what has ended and publishes the figures of [#status()].
    private void settle() {
        scheduler.forgetEnded();
        assert scheduler.isConsistent() : "KV blocks were lost or shared";
        inbox.inside(scheduler.waiting().size());
        running = scheduler.running().size();
        blocksUsed = blocks.used();
    }

    public EngineStatus status() {
        return new EngineStatus(running, inbox.waiting(), blocksUsed, blocks.capacity());
    }

    /// Fails what is left and gives the KV memory back. On the engine thread, or after the loop has let go of
    /// it.
    @Override
    public void close() {
        shut(Inbox.Door.CLOSED);
        settle();
        blocks.close();
    }

    private void tell(Consumer<EngineListener> call) {
        try {
            call.accept(surroundings.listener());
        } catch (RuntimeException fault) {
            LOG.log(listenerFaulty ? Level.DEBUG : Level.ERROR, "an engine's listener threw", fault);
            listenerFaulty = true;
        }
    }
}
