package dev.trimtab.quality.measure;

import dev.trimtab.checkpoint.cache.Digest;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.tokenizer.Tokenizer.ControlTokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/// What a model is measured on: chunks whose tokens it predicts, and prompts that it continues.
///
/// @param context tokens of the longest chunk
/// @param prompts the beginnings of some of the chunks; not copied
/// @param ends tokens that end a continuation; not copied
@SuppressWarnings("ArrayRecordComponent")
public record MeasuredText(List<Chunk> chunks, int context, List<int[]> prompts, int[] ends) {
    /// llama-perplexity's.
    public static final int CONTEXT_DEFAULT = 512;

    /// What fits the teacher's file ([Teacher]) and takes minutes at the least.
    public static final int SCORED_MAX = 1 << 16;

    /// Tokens a prompt is continued by.
    static final int CONTINUED_TOKENS = 64;

    private static final int PROMPTS_MAX = 16;
    private static final int PROMPT_TOKENS_MAX = 64;

    /// Shorter chunks say nothing of a model that reads context.
    private static final int CHUNK_TOKENS_MIN = 8;

    /// Tokens that begin anew; those from `firstScored`, 1 or later, are predicted and scored, each from all
    /// before it.
    @SuppressWarnings("ArrayRecordComponent")
    public record Chunk(int[] ids, int firstScored) {
        public Chunk {
            if (firstScored < 1 || firstScored >= ids.length) {
                throw InvalidRequest.of("a chunk of " + ids.length + " tokens cannot be scored from " + firstScored);
            }
        }

        int scored() {
            return ids.length - firstScored;
        }
    }

    public MeasuredText {
        chunks = List.copyOf(chunks);
        prompts = List.copyOf(prompts);
        int scored = chunks.stream().mapToInt(Chunk::scored).sum();
        if (scored == 0 || scored > SCORED_MAX) {
            throw InvalidRequest.of("a text to measure on: 1.." + SCORED_MAX + " scored tokens expected, found "
                    + scored + "; a limit of tokens, or a longer text, helps");
        }
    }

    /// llama-perplexity's protocol: the whole text tokenized with BOS, cut into chunks of `context` tokens, the
    /// first of each replaced by BOS where the vocabulary adds it, what is left over left out; the second half is
    /// scored, less the token in the middle. A text shorter than `context` is one chunk.
    ///
    /// @param context at most the model's
    /// @throws InvalidRequest when nothing is to be scored
    public static MeasuredText chunked(
            Tokenizer tokenizer, String text, ControlTokens controlTokens, int context, int tokensMax) {
        int[] all = tokenizer.encodePrompt(text, controlTokens);
        int[] ids = Arrays.copyOf(all, Math.min(all.length, Math.max(tokensMax, CHUNK_TOKENS_MIN)));
        int length = Math.min(context, ids.length);
        if (length < CHUNK_TOKENS_MIN) {
            throw InvalidRequest.of("chunks of " + length + " tokens: " + CHUNK_TOKENS_MIN + " or more expected");
        }
        OptionalInt bos =
                tokenizer.vocabulary().addsBos() ? tokenizer.vocabulary().bos() : OptionalInt.empty();
        List<Chunk> chunks = new ArrayList<>();
        for (int from = 0; from + length <= ids.length; from += length) {
            int[] chunk = Arrays.copyOfRange(ids, from, from + length);
            bos.ifPresent(id -> chunk[0] = id);
            chunks.add(new Chunk(chunk, length / 2 + 1));
        }
        return of(tokenizer, chunks);
    }

    /// Documents, each read from its own beginning, as chats are; all tokens but the first (or BOS) are scored.
    /// Documents longer than `context` are cut there.
    ///
    /// @throws InvalidRequest when nothing is to be scored
    public static MeasuredText documents(Tokenizer tokenizer, List<String> documents, int context, int tokensMax) {
        List<Chunk> chunks = new ArrayList<>();
        int left = tokensMax;
        for (String document : documents) {
            int[] all = tokenizer.encodePrompt(document, ControlTokens.PARSE);
            int[] ids = Arrays.copyOf(all, Math.min(Math.min(all.length, context), left));
            if (ids.length >= CHUNK_TOKENS_MIN) {
                chunks.add(new Chunk(ids, 1));
                left -= ids.length;
            }
        }
        return of(tokenizer, chunks);
    }

    private static MeasuredText of(Tokenizer tokenizer, List<Chunk> chunks) {
        int context =
                chunks.stream().mapToInt(chunk -> chunk.ids().length).max().orElse(0);
        int count = Math.min(PROMPTS_MAX, chunks.size());
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] ids = chunks.get((int) ((long) i * chunks.size() / count)).ids();
            prompts.add(Arrays.copyOf(ids, Math.min(PROMPT_TOKENS_MAX, ids.length / 2)));
        }
        return new MeasuredText(chunks, context, prompts, tokenizer.vocabulary().endOfGeneration());
    }

    /// The same with other `chunks`, whose prompts and ends are written as `spelling` says.
    MeasuredText with(List<Chunk> spelled, UnaryOperator<int[]> spelling) {
        int longest =
                spelled.stream().mapToInt(chunk -> chunk.ids().length).max().orElse(0);
        return new MeasuredText(spelled, longest, prompts.stream().map(spelling).toList(), spelling.apply(ends));
    }

    int scored() {
        return chunks.stream().mapToInt(Chunk::scored).sum();
    }

    boolean ends(int id) {
        return Arrays.stream(ends).anyMatch(end -> end == id);
    }

    /// Names chunks, prompts and ends.
    String digest() {
        Digest digest = new Digest("measured text", 1).add(chunks.size());
        chunks.forEach(chunk -> digest.add(chunk.ids()).add((long) chunk.firstScored()));
        prompts.forEach(digest::add);
        return digest.add(ends).hex();
    }
}
