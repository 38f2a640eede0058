package dev.trimtab.quality.measure;

import dev.trimtab.kernel.Activations;
import dev.trimtab.model.ForwardPass;
import dev.trimtab.quality.SequenceRun;
import dev.trimtab.quality.measure.MeasuredText.Chunk;

/// A model reading the chunks of a text, a batch a unit.
final class TextReading implements AutoCloseable {
    /// Tokens of a batch at most: no unit is longer than a small prefill, and the logits of a large vocabulary stay
    /// at some tens of megabytes.
    static final int BATCH_TOKENS = 64;

    /// Hears of each scored token: `next` is predicted by the logits from `at` on.
    @FunctionalInterface
    interface Scores {
        void scored(int chunk, int next, float[] logits, int at);
    }

    private final MeasuredText text;
    private final SequenceRun run;
    private final int batchTokens;
    private int chunk;
    private int position;

    TextReading(ForwardPass model, MeasuredText text) {
        this.text = text;
        this.run = new SequenceRun(model, text.context());
        this.batchTokens = Math.min(BATCH_TOKENS, Math.min(model.tokenCapacity(), model.logitCapacity()));
    }

    boolean isDone() {
        return chunk == text.chunks().size();
    }

    /// Reads the next batch. The last token of a chunk predicts nothing and is not read.
    void unit(Scores scores) {
        Chunk current = text.chunks().get(chunk);
        int last = current.ids().length - 1;
        int to = Math.min(last, position + batchTokens);
        int firstLogit = Math.max(position, current.firstScored() - 1);
        Activations logits = run.forward(current.ids(), position, to, firstLogit);
        for (int row = 0; row < logits.tokens(); row++) {
            scores.scored(chunk, current.ids()[firstLogit + row + 1], logits.values(), row * logits.stride());
        }
        position = to;
        if (position == last) {
            position = 0;
            chunk++;
        }
    }

    @Override
    public void close() {
        run.close();
    }
}
