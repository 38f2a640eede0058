package dev.trimtab.kernel;

import dev.trimtab.kernel.adapter.AdapterMix;
import java.lang.foreign.MemorySegment;

/// The tokens of one step: ids, positions, and for each the block table of its sequence. Filled by the
/// engine, read by the forward pass; allocated once and reused, so that a step allocates nothing.
///
/// Tokens of one sequence are consecutive and in order of position; sequences may mix prefill chunks and
/// single decode tokens. Keys and values of a token at position p lie in block `p / BLOCK_TOKENS` of its
/// table, slot `p % BLOCK_TOKENS`.
public final class TokenBatch {
    private final MemorySegment kv;
    private final int[] ids;
    private final int[] positions;
    private final int[] sequences;
    private final long[][] blockOffsets;
    private final AdapterMix[] adapters;
    private final int[] logitTokens;
    private boolean usesAdapters;
    private int tokenCount;
    private int sequenceCount;
    private int logitCount;

    /// Room for `tokenCapacity` tokens of `sequenceCapacity` sequences; `kv` is the memory that block offsets
    /// point into.
    public TokenBatch(MemorySegment kv, int tokenCapacity, int sequenceCapacity) {
        this.kv = kv;
        this.ids = new int[tokenCapacity];
        this.positions = new int[tokenCapacity];
        this.sequences = new int[tokenCapacity];
        this.logitTokens = new int[tokenCapacity];
        this.blockOffsets = new long[sequenceCapacity][];
        this.adapters = new AdapterMix[sequenceCapacity];
    }

    public void clear() {
        usesAdapters = false;
        tokenCount = 0;
        sequenceCount = 0;
        logitCount = 0;
    }

    /// Begins the next sequence. `blockOffsets[i]` is the byte offset in [#kv()] of the block with positions
    /// from `i * BLOCK_TOKENS`; kept by reference until [#clear()].
    public void addSequence(long[] blockOffsets) {
        addSequence(blockOffsets, AdapterMix.NONE);
    }

    /// As [#addSequence(long\[\])], of a sequence that runs with `adapters`.
    public void addSequence(long[] blockOffsets, AdapterMix adapters) {
        this.blockOffsets[sequenceCount] = blockOffsets;
        this.adapters[sequenceCount++] = adapters;
        usesAdapters |= !adapters.isEmpty();
    }

    /// Adds the next token of the sequence begun last.
    public void addToken(int id, int position) {
        ids[tokenCount] = id;
        positions[tokenCount] = position;
        sequences[tokenCount] = sequenceCount - 1;
        tokenCount++;
    }

    /// Asks for the logits after the token added last. Rows of the result come in the order of these calls.
    public void wantLogits() {
        logitTokens[logitCount++] = tokenCount - 1;
    }

    public MemorySegment kv() {
        return kv;
    }

    public int tokenCount() {
        return tokenCount;
    }

    public int tokenCapacity() {
        return ids.length;
    }

    public int sequenceCount() {
        return sequenceCount;
    }

    public int logitCount() {
        return logitCount;
    }

    public int id(int token) {
        return ids[token];
    }

    public int position(int token) {
        return positions[token];
    }

    /// Index of the token's sequence in this batch.
    public int sequence(int token) {
        return sequences[token];
    }

    public long blockOffset(int sequence, int block) {
        return blockOffsets[sequence][block];
    }

    /// Whether any sequence runs with adapters.
    public boolean usesAdapters() {
        return usesAdapters;
    }

    public AdapterMix adapters(int sequence) {
        return adapters[sequence];
    }

    /// The token whose logits are row `row` of the result.
    public int logitToken(int row) {
        return logitTokens[row];
    }
}
