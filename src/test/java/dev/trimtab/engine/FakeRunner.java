package dev.trimtab.engine;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.ForwardPass;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A forward pass without a model: the logits after a token are a function of the tokens up to it, which it
/// reads back from the KV memory through the block table. So a wrong table, a shared block, a lost or doubled
/// token changes the output, and is caught besides: each slot holds its position, its token and a hash of all
/// before.
final class FakeRunner implements ForwardPass {
    /// One in so many histories gives a row with a NaN, where asked for.
    static final int NAN_PERIOD = 150;

    private static final int SLOT_BYTES = 16;
    private static final KvLayout LAYOUT = new KvLayout(KvEncodings.F32, 8, List.of(1));

    /// Whether some histories give a NaN.
    enum Faults {
        NONE,
        NAN
    }

    private final int tokenCapacity;
    private final int contextLength;
    private final Faults faults;
    private final Activations logits;
    private int failuresLeft;
    private int steps;
    private Runnable onForward = () -> {};

    FakeRunner(int tokenCapacity, int logitCapacity, int contextLength, Faults faults) {
        this.tokenCapacity = tokenCapacity;
        this.contextLength = contextLength;
        this.faults = faults;
        this.logits = new Activations(logitCapacity, vocabSize());
    }

    static long blockBytes() {
        return LAYOUT.blockBytes();
    }

    /// The next `count` calls throw, after the keys and values are written.
    void failNext(int count) {
        failuresLeft = count;
    }

    int steps() {
        return steps;
    }

    /// Runs `action` at each forward pass.
    void onForward(Runnable action) {
        onForward = action;
    }

    @Override
    public int vocabSize() {
        return TinyVocabulary.size() + 3; // padded, as real ones are
    }

    @Override
    public int contextLength() {
        return contextLength;
    }

    @Override
    public KvLayout kvLayout() {
        return LAYOUT;
    }

    @Override
    public int tokenCapacity() {
        return tokenCapacity;
    }

    @Override
    public int logitCapacity() {
        return logits.capacity();
    }

    @Override
    public Activations forward(TokenBatch batch) {
        steps++;
        onForward.run();
        if (batch.tokenCount() == 0 || batch.tokenCount() > tokenCapacity) {
            throw new AssertionError("a batch of " + batch.tokenCount() + " tokens");
        }
        Set<Long> written = new HashSet<>();
        for (int token = 0; token < batch.tokenCount(); token++) {
            store(batch, token, written);
        }
        if (failuresLeft > 0) {
            failuresLeft--;
            throw new IllegalStateException("injected");
        }
        logits.reset(batch.logitCount());
        for (int row = 0; row < batch.logitCount(); row++) {
            int token = batch.logitToken(row);
            long history = readBack(batch, batch.sequence(token), batch.position(token));
            fillLogits(history, faults, logits.values(), row * logits.stride());
        }
        return logits;
    }

    private static void store(TokenBatch batch, int token, Set<Long> written) {
        int position = batch.position(token);
        long before = position == 0 ? 0 : kv(batch).get(LONG, slot(batch, batch.sequence(token), position - 1) + 8);
        long slot = slot(batch, batch.sequence(token), position);
        if (!written.add(slot)) {
            throw new AssertionError("two tokens of a batch share a slot");
        }
        kv(batch).set(LONG, slot, (long) position << 32 | batch.id(token));
        kv(batch).set(LONG, slot + 8, extend(before, batch.id(token)));
    }

    private static long readBack(TokenBatch batch, int sequence, int last) {
        long history = 0;
        for (int position = 0; position <= last; position++) {
            long slot = slot(batch, sequence, position);
            long content = kv(batch).get(LONG, slot);
            history = extend(history, (int) content);
            if (content >>> 32 != position || kv(batch).get(LONG, slot + 8) != history) {
                throw new AssertionError("position " + position + " of " + last + " was overwritten");
            }
        }
        return history;
    }

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    private static MemorySegment kv(TokenBatch batch) {
        return batch.kv();
    }

    private static long slot(TokenBatch batch, int sequence, int position) {
        return batch.blockOffset(sequence, position / KvLayout.BLOCK_TOKENS)
                + (long) position % KvLayout.BLOCK_TOKENS * SLOT_BYTES;
    }

    /// The history with `id` after it; the empty one is 0.
    static long extend(long history, int id) {
        long bits = (history ^ id + 1L) * 0x9E3779B97F4A7C15L;
        return bits ^ bits >>> 29;
    }

    /// The row of logits after `history`.
    static void fillLogits(long history, Faults faults, float[] row, int offset) {
        for (int id = 0; id < TinyVocabulary.size(); id++) {
            long bits = extend(history, id + 1000);
            row[offset + id] = (bits >>> 40) * 0x1p-20f - 8;
        }
        row[offset + TinyVocabulary.EOS] -= 6; // else sequences end too soon to meet anything
        if (faults == Faults.NAN && Long.remainderUnsigned(history, NAN_PERIOD) == 7) {
            row[offset + 11] = Float.NaN;
        }
    }
}
