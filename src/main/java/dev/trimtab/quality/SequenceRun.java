package dev.trimtab.quality;

import dev.trimtab.error.InvalidRequest;
import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.model.ForwardPass;
import java.lang.foreign.Arena;
import java.util.Arrays;

/// A model and the KV caches of a few sequences, without an engine: what measuring and calibration read text
/// with. Each call of a `forward` is one batch, so whoever calls decides how long the model is held.
///
/// Single-owner, and no other pass of the same model may run between a call and the last use of its result.
public final class SequenceRun implements AutoCloseable {
    private final ForwardPass model;
    private final Arena arena = Arena.ofShared();
    private final long[][] blocks;
    private final TokenBatch batch;

    /// One sequence of at most `lengthMax` tokens.
    ///
    /// @throws InvalidRequest when that is longer than the model's context
    public SequenceRun(ForwardPass model, int lengthMax) {
        this(model, lengthMax, 1);
    }

    /// `sequences` of them.
    ///
    /// @throws InvalidRequest when that is longer than the model's context
    public SequenceRun(ForwardPass model, int lengthMax, int sequences) {
        if (lengthMax > model.contextLength()) {
            throw InvalidRequest.of(
                    "a window of " + lengthMax + " tokens: the model's context is " + model.contextLength());
        }
        this.model = model;
        long blockBytes = model.kvLayout().blockBytes();
        int perSequence = Math.ceilDiv(lengthMax, KvLayout.BLOCK_TOKENS);
        this.blocks = new long[sequences][perSequence];
        for (int s = 0; s < sequences; s++) {
            long first = (long) s * perSequence;
            Arrays.setAll(blocks[s], i -> (first + i) * blockBytes);
        }
        long bytes = (long) sequences * perSequence * blockBytes;
        this.batch = new TokenBatch(arena.allocate(bytes, 64), model.tokenCapacity(), sequences);
    }

    /// Runs `ids[from .. to)` of the first sequence, behind what ran before.
    ///
    /// @return the logits after each token whose position is `firstLogit` or later
    public Activations forward(int[] ids, int from, int to, int firstLogit) {
        return forward(0, ids, from, to, firstLogit);
    }

    /// As [#forward(int\[\], int, int, int)] for sequence `sequence`.
    public Activations forward(int sequence, int[] ids, int from, int to, int firstLogit) {
        batch.clear();
        batch.addSequence(blocks[sequence]);
        for (int position = from; position < to; position++) {
            batch.addToken(ids[position], position);
            if (position >= firstLogit) {
                batch.wantLogits();
            }
        }
        return model.forward(batch);
    }

    /// Runs one token of each of `sequences`: `ids[i]` at `positions[i]`.
    ///
    /// @return the logits after each
    public Activations decode(int[] sequences, int[] ids, int[] positions) {
        batch.clear();
        for (int i = 0; i < sequences.length; i++) {
            batch.addSequence(blocks[sequences[i]]);
            batch.addToken(ids[i], positions[i]);
            batch.wantLogits();
        }
        return model.forward(batch);
    }

    @Override
    public void close() {
        arena.close();
    }
}
