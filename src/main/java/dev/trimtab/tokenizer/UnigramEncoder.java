package dev.trimtab.tokenizer;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tokenizer.text.Utf8Text;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Consumer;

/// SentencePiece's unigram model (`tokenizer.ggml.model` = `t5`): of all ways to cut a text into
/// tokens the one with the highest sum of scores (Kudo, "Subword Regularization", 2018, section 3.1),
/// found by Viterbi's algorithm.
///
/// With `best[0] = 0`, over bytes i in order and tokens t that begin there:
/// `best[i + |t|] = max(best[i + |t|], best[i] + score(t))`, in `float` as SentencePiece does, so that
/// ties fall the same way. Where no token is exactly the character at i, the unknown token stands for
/// it with a score of 10 below the lowest. Cost: the text times the longest token.
final class UnigramEncoder implements PieceEncoder {
    private static final int NONE = -1;
    private static final int ROOT = 0;
    private static final float UNKNOWN_PENALTY = 10;

    private final Vocabulary vocabulary;
    private final float[] scores;
    private final float lowestScore;
    private final ByteTokens byteTokens;
    private final LongTable children = new LongTable();
    private final IdBuffer nodeTokens = new IdBuffer(1024);

    /// @throws BadCheckpoint when scores are missing or no numbers, or nothing stands for the unknown
    /// @throws Unsupported when white space is to stand after words
    UnigramEncoder(Metadata metadata, Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        if (metadata.flag("tokenizer.ggml.treat_whitespace_as_suffix", false)) {
            throw new Unsupported(metadata.source() + ": a tokenizer with white space after words is not supported");
        }
        if (vocabulary.unknown().isEmpty()) {
            throw new BadCheckpoint(metadata.source() + ": a unigram tokenizer needs an unknown token");
        }
        scores = new float[vocabulary.size()];
        double[] numbers = vocabulary.scores(metadata);
        byteTokens = new ByteTokens(vocabulary);
        nodeTokens.add(NONE);
        float lowest = 0;
        for (int id = 0; id < scores.length; id++) {
            scores[id] = (float) numbers[id];
            switch (vocabulary.kind(id)) {
                case NORMAL -> {
                    lowest = Math.min(lowest, scores[id]);
                    add(id);
                }
                case USER_DEFINED -> add(id);
                case BYTE, CONTROL, UNKNOWN, UNUSED -> {}
            }
        }
        lowestScore = lowest;
    }

    private void add(int id) {
        int node = ROOT;
        for (byte value : vocabulary.piece(id).getBytes(StandardCharsets.UTF_8)) {
            long edge = LongTable.pair(node, value & 0xFF);
            children.putIfAbsent(edge, nodeTokens.size());
            node = (int) children.get(edge);
            if (node == nodeTokens.size()) {
                nodeTokens.add(NONE);
            }
        }
        if (node != ROOT) {
            nodeTokens.set(node, id);
        }
    }

    @Override
    public Consumer<String> into(IdBuffer ids) {
        return word -> encode(word.getBytes(StandardCharsets.UTF_8), ids);
    }

    @Override
    public void spell(String piece, IdBuffer ids, IdBuffer trail) {
        encode(piece.getBytes(StandardCharsets.UTF_8), ids);
    }

    /// The score of what is unknown hangs on the lowest.
    @Override
    public BitSet indispensable() {
        BitSet lowest = new BitSet();
        for (int id = 0; id < scores.length && lowest.isEmpty(); id++) {
            if (vocabulary.kind(id) == Vocabulary.Kind.NORMAL && scores[id] == lowestScore) {
                lowest.set(id);
            }
        }
        return lowest;
    }

    /// Appends to `ids` the tokens of `bytes`, which are normalized.
    void encode(byte[] bytes, IdBuffer ids) {
        float[] best = new float[bytes.length + 1];
        int[] tokens = new int[bytes.length + 1];
        int[] starts = new int[bytes.length + 1];
        Arrays.fill(best, Float.NEGATIVE_INFINITY);
        best[0] = 0;
        for (int i = 0; i < bytes.length; i += Utf8Text.length(bytes[i])) {
            relax(bytes, i, best, tokens, starts);
        }
        IdBuffer ends = new IdBuffer(bytes.length / 3);
        for (int i = bytes.length; i > 0; i = starts[i]) {
            ends.add(i);
        }
        for (int i = ends.size() - 1; i >= 0; i--) {
            int tokenEnd = ends.get(i);
            emit(bytes, starts[tokenEnd], tokenEnd, tokens[tokenEnd], ids);
        }
    }

    /// Tries all tokens that begin at `start`.
    private void relax(byte[] bytes, int start, float[] best, int[] tokens, int[] starts) {
        int characterEnd = start + Utf8Text.length(bytes[start]);
        boolean hasCharacter = false;
        int node = ROOT;
        for (int i = start; i < bytes.length; i++) {
            long child = children.get(LongTable.pair(node, bytes[i] & 0xFF));
            if (child == LongTable.ABSENT) {
                break;
            }
            node = (int) child;
            int token = nodeTokens.get(node);
            if (token != NONE) {
                hasCharacter |= i + 1 == characterEnd;
                if (best[start] + scores[token] > best[i + 1]) {
                    best[i + 1] = best[start] + scores[token];
                    tokens[i + 1] = token;
                    starts[i + 1] = start;
                }
            }
        }
        float unknownScore = lowestScore - UNKNOWN_PENALTY;
        if (!hasCharacter && best[start] + unknownScore > best[characterEnd]) {
            best[characterEnd] = best[start] + unknownScore;
            tokens[characterEnd] = NONE;
            starts[characterEnd] = start;
        }
    }

    /// Adds a token; for the unknown one ([#NONE]) bytes if the vocabulary has them, else one for all
    /// unknown characters in a row.
    private void emit(byte[] bytes, int start, int end, int token, IdBuffer ids) {
        if (token != NONE) {
            ids.add(token);
        } else {
            byteTokens.add(bytes, start, end, ids);
        }
    }
}
