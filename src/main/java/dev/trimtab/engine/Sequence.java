package dev.trimtab.engine;

import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.adapter.AdapterShelf;
import dev.trimtab.tokenizer.Detokenizer;
import dev.trimtab.tokenizer.Vocabulary;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/// A sequence in the engine: its tokens, how many of them the model has computed, its block table, and the
/// state of its text.
///
/// `computed <= length`; the keys and values of the computed tokens lie in its blocks. When all but the last
/// token are computed it decodes, otherwise it prefills. Engine thread only, but for [#cancel()].
final class Sequence {
    private final GenerationRequest request;
    private final AdapterShelf.Lease adapters;
    private final String salt;
    private final TokenSink sink;
    private final Detokenizer detokenizer;
    private final StopDetector stopDetector;
    private final Penalties penalties;
    private final int[] stopTokens;
    private final long seed;
    private final int outputMax;
    private final Times times;
    private final HeldLogprobs heldLogprobs = new HeldLogprobs();

    private int[] tokens;
    private int length;
    private int computed;
    private int scheduled;
    private long[] blocks = new long[4];
    private int blockCount;
    private int publishedBlocks;
    private int cachedTokens;
    private int scored;
    private int decodedLength; // characters that the last token completed
    private boolean stoppedByToken;
    private boolean ended;
    private FinishReason reason = FinishReason.CANCELLED;
    private volatile boolean cancelled;

    /// A sequence of at most `lengthMax` tokens, prompt and output together.
    Sequence(
            GenerationRequest request,
            AdapterShelf.Lease adapters,
            TokenSink sink,
            Detokenizer detokenizer,
            int lengthMax,
            Times times) {
        this.request = request;
        this.adapters = adapters;
        this.salt = salt(adapters.key(), request.cacheSalt());
        this.sink = sink;
        this.detokenizer = detokenizer;
        this.times = times;
        this.stopDetector = new StopDetector(request.stop().strings());
        this.penalties = new Penalties(request.sampling(), request.prompt());
        this.stopTokens = sorted(request.stop());
        this.seed = request.sampling()
                .seed()
                .orElseGet(() -> ThreadLocalRandom.current().nextLong());
        this.tokens = request.prompt();
        this.length = tokens.length;
        this.outputMax = Math.min(request.stop().maxTokens(), lengthMax - length);
    }

    /// With whom blocks are shared. The bar tells the caller's part from ours, whatever is in it.
    private static String salt(String adapters, String cacheSalt) {
        return adapters.isEmpty() && cacheSalt.isEmpty() ? "" : adapters + "|" + cacheSalt;
    }

    private static int[] sorted(StopCondition stop) {
        int[] ids = new int[stop.tokenIds().size()];
        int i = 0;
        for (int id : stop.tokenIds()) {
            ids[i++] = id;
        }
        Arrays.sort(ids);
        return ids;
    }

    String id() {
        return request.id();
    }

    Times times() {
        return times;
    }

    TokenSink sink() {
        return sink;
    }

    /// Output tokens so far.
    int outputCount() {
        return length - request.prompt().length;
    }

    Usage usage() {
        return new Usage(request.prompt().length, cachedTokens, outputCount());
    }

    // Cancelling and ending

    /// From any thread.
    void cancel() {
        cancelled = true;
    }

    boolean isCancelled() {
        return cancelled;
    }

    /// Whether its last token has been produced.
    boolean isDone() {
        return reason != FinishReason.CANCELLED;
    }

    /// Why it is done; CANCELLED as long as it is not.
    FinishReason reason() {
        return reason;
    }

    /// Whether its last event has been sent.
    boolean isEnded() {
        return ended;
    }

    void end() {
        ended = true;
        adapters.close();
    }

    // Tokens and text

    /// Chooses the next token from its row of logits, which its penalties change, or [Sampler#BAD_LOGITS].
    int choose(Sampler sampler, float[] logits, int offset) {
        if (request.topLogprobs() != GenerationRequest.NO_LOGPROBS) {
            sampler.remember(logits, offset);
        }
        penalties.adjust(logits, offset);
        return sampler.sample(logits, offset, request.sampling(), seed, outputCount());
    }

    /// Whether it ends where its prompt does.
    boolean endsWithPrompt() {
        return outputMax == 0;
    }

    /// Ends it without output.
    void finishWithPrompt() {
        reason = FinishReason.LENGTH;
    }

    /// Appends an output token, the one just chosen by `sampler`, and returns the text that became certain by
    /// it, with the log probabilities that the request asks for; [#isDone()] tells whether it was the last.
    TokenEvent.Delta accept(int token, Vocabulary vocabulary, Sampler sampler) {
        String text = accept(token, vocabulary);
        if (request.topLogprobs() == GenerationRequest.NO_LOGPROBS) {
            return new TokenEvent.Delta(text, 1);
        }
        if (!stoppedByToken) {
            heldLogprobs.add(sampler.logprobs(token, request.topLogprobs()), decodedLength);
        }
        List<TokenEvent.Logprobs> logprobs = isDone()
                ? heldLogprobs.releaseLast(text.length(), stopDetector.matched())
                : heldLogprobs.release(text.length());
        return new TokenEvent.Delta(text, 1, logprobs);
    }

    private String accept(int token, Vocabulary vocabulary) {
        if (length == tokens.length || outputCount() == 0) {
            tokens = Arrays.copyOf(tokens, Math.max(length + 16, length + length / 2));
        }
        tokens[length++] = token;
        penalties.count(token);
        if (isStop(token, vocabulary)) {
            reason = FinishReason.STOP;
            stoppedByToken = true;
            return rest();
        }
        String decoded = detokenizer.accept(token);
        decodedLength = decoded.length();
        String text = stopDetector.accept(decoded);
        if (!stopDetector.matched() && outputCount() >= outputMax) {
            reason = FinishReason.LENGTH;
            text += rest();
        }
        if (stopDetector.matched()) {
            reason = FinishReason.STOP;
        }
        return text;
    }

    private boolean isStop(int token, Vocabulary vocabulary) {
        return Arrays.binarySearch(stopTokens, token) >= 0
                || (!request.stop().ignoreEos() && vocabulary.isEndOfGeneration(token));
    }

    private String rest() {
        return stopDetector.accept(detokenizer.finish()) + stopDetector.finish();
    }

    // Computing

    /// Tokens the model has not computed yet; one of them while decoding.
    int remaining() {
        return length - computed;
    }

    /// Whether only its newest output token remains.
    boolean isDecoding() {
        return remaining() == 1 && outputCount() > 0;
    }

    void schedule(int count) {
        scheduled = count;
    }

    /// Whether tokens of its prompt are still to be scored: then each scheduled token may cost a row of
    /// logits, and cached blocks are of no use.
    boolean isScoring() {
        return scored < scoresWanted();
    }

    /// The prompt's tokens but the first, each by the logits after the one before it.
    private int scoresWanted() {
        return request.promptScores() == GenerationRequest.PromptScores.ALL ? request.prompt().length - 1 : 0;
    }

    /// Rows of logits among the scheduled tokens' that score the prompt.
    int scheduledScores() {
        return Math.max(0, Math.min(computed + scheduled, scoresWanted()) - Math.max(computed, scored));
    }

    /// Scores the prompt's next token by its row of logits.
    TokenEvent.Logprobs score(Sampler sampler, float[] logits, int offset) {
        sampler.remember(logits, offset);
        scored++;
        return sampler.logprobs(request.prompt()[scored], request.topLogprobs());
    }

    /// Adds the scheduled tokens to `batch`, and asks for logits where the prompt is scored and when they reach
    /// the end.
    void fill(TokenBatch batch) {
        batch.addSequence(blocks, adapters.mix());
        for (int position = computed; position < computed + scheduled; position++) {
            batch.addToken(tokens[position], position);
            if (position >= scored && position < scoresWanted()) {
                batch.wantLogits();
            }
        }
        if (scheduled == remaining()) {
            batch.wantLogits();
        }
    }

    /// Notes that the scheduled tokens are computed; true when there are logits for the next.
    boolean advance() {
        computed += scheduled;
        scheduled = 0;
        return computed == length;
    }

    // Blocks

    /// Blocks it lacks to compute all its tokens.
    int blocksMissing() {
        return Math.ceilDiv(length, KvLayout.BLOCK_TOKENS) - blockCount;
    }

    void addBlock(long offset) {
        if (blockCount == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * blockCount);
        }
        blocks[blockCount++] = offset;
    }

    int blockCount() {
        return blockCount;
    }

    /// Offset of the block with positions from `index * BLOCK_TOKENS`.
    long block(int index) {
        return blocks[index];
    }

    /// Shares the cached blocks that hold its first tokens, but for the last token, whose logits are wanted.
    void shareBlocks(BlockPool pool) {
        long block = sharedBlock(pool);
        while (block != BlockPool.NONE) {
            addBlock(block);
            publishedBlocks++;
            block = sharedBlock(pool);
        }
        computed = blockCount * KvLayout.BLOCK_TOKENS;
    }

    private long sharedBlock(BlockPool pool) {
        int from = blockCount * KvLayout.BLOCK_TOKENS;
        boolean full = from + KvLayout.BLOCK_TOKENS < length && !isScoring();
        return full ? pool.share(lastBlock(blockCount), salt, tokens, from) : BlockPool.NONE;
    }

    /// Lets others share the blocks whose tokens are all computed.
    void publishBlocks(BlockPool pool) {
        while ((publishedBlocks + 1) * KvLayout.BLOCK_TOKENS <= computed) {
            blocks[publishedBlocks] = pool.publish(
                    blocks[publishedBlocks],
                    lastBlock(publishedBlocks),
                    salt,
                    tokens,
                    publishedBlocks * KvLayout.BLOCK_TOKENS);
            publishedBlocks++;
        }
    }

    /// Takes back what nobody else shares: its contents may be wrong.
    void unpublishBlocks(BlockPool pool) {
        while (publishedBlocks > 0 && pool.unpublish(blocks[publishedBlocks - 1])) {
            publishedBlocks--;
        }
    }

    private long lastBlock(int count) {
        return count == 0 ? BlockPool.NONE : blocks[count - 1];
    }

    /// Notes that it runs from now on; the first time, what it shares is what it found cached.
    void admit(long nowNanos) {
        if (times.admit(nowNanos)) {
            cachedTokens = computed;
        }
    }

    /// Gives all blocks back; everything is to be computed again.
    void releaseBlocks(BlockPool pool) {
        while (blockCount > 0) {
            pool.release(blocks[--blockCount]);
        }
        publishedBlocks = 0;
        computed = 0;
        scheduled = 0;
    }

    /// When things happened to one sequence, on the engine's clock; 0 stands for "not yet".
    static final class Times {
        private final long submittedNanos;
        private long admittedNanos;
        private long firstTokenNanos;
        private long lastTokenNanos;

        Times(long submittedNanos) {
            this.submittedNanos = submittedNanos;
        }

        /// It runs; true, and noted, the first time only, not again after preemption.
        boolean admit(long nowNanos) {
            boolean first = admittedNanos == 0;
            if (first) {
                admittedNanos = nowNanos;
            }
            return first;
        }

        void token(long nowNanos) {
            if (firstTokenNanos == 0) {
                firstTokenNanos = nowNanos;
            }
            lastTokenNanos = nowNanos;
        }

        SequenceReport report(Usage usage, Optional<FinishReason> reason, long nowNanos) {
            int gaps = usage.completionTokens() - 1;
            return new SequenceReport(
                    usage,
                    reason,
                    (admittedNanos == 0 ? nowNanos : admittedNanos) - submittedNanos,
                    firstTokenNanos == 0 ? 0 : firstTokenNanos - submittedNanos,
                    gaps > 0 ? (lastTokenNanos - firstTokenNanos) / gaps : 0,
                    nowNanos - submittedNanos);
        }
    }
}
