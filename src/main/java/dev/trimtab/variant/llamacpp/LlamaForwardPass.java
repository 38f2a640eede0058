package dev.trimtab.variant.llamacpp;

import dev.trimtab.kernel.Activations;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.TokenBatch;
import dev.trimtab.kernel.llamacpp.LlamaContext;
import dev.trimtab.kernel.llamacpp.LlamaModel;
import dev.trimtab.model.ForwardPass;
import java.util.Arrays;
import java.util.List;

/// A model that llama.cpp computes, as our engine sees one. Owner of both the model and its context.
///
/// llama.cpp keeps keys and values in cells of its own and knows a sequence by a number. Our KV blocks hold
/// nothing here: they are tickets for 32 cells each, and as many as there are cells, so that an engine that
/// has blocks for a sequence has cells for it. A sequence's number is the index of its first block, which
/// nobody else holds while it runs (prefixes must not be shared). llama.cpp is not told when a sequence ends:
/// its cells are freed when one of its blocks turns up in another sequence, which is before they are needed.
public final class LlamaForwardPass implements ForwardPass, AutoCloseable {
    private static final int NOBODY = -1;

    private final LlamaModel model;
    private final LlamaContext context;
    private final KvLayout tickets = new KvLayout(KvEncodings.F16, 1, List.of(1));
    private final int contextLength;
    private final int tokenCapacity;
    private final int logitCapacity;
    private final int vocabSize;
    private final Activations logits;
    private final int[] owners;

    /// @param cells tokens of all sequences together; whole KV blocks
    /// @param contextLength the longest sequence
    /// @param tokenCapacity tokens in a batch
    /// @param logitCapacity rows of logits in a batch
    record Sizes(int cells, int contextLength, int tokenCapacity, int logitCapacity) {}

    /// Takes `model` over once it returns.
    LlamaForwardPass(LlamaModel model, Sizes sizes, int threads) {
        int blocks = sizes.cells() / KvLayout.BLOCK_TOKENS;
        this.model = model;
        this.contextLength = sizes.contextLength();
        this.tokenCapacity = sizes.tokenCapacity();
        this.logitCapacity = sizes.logitCapacity();
        this.context = new LlamaContext(
                model,
                new LlamaContext.Options(sizes.cells(), tokenCapacity, blocks, threads, LlamaContext.KvType.F16));
        this.vocabSize = context.vocabSize();
        this.logits = new Activations(logitCapacity, vocabSize);
        this.owners = new int[blocks];
        Arrays.fill(owners, NOBODY);
    }

    /// Bytes of a KV pool with one block for every 32 cells.
    public long ticketBytes() {
        return owners.length * tickets.blockBytes();
    }

    @Override
    public int vocabSize() {
        return vocabSize;
    }

    @Override
    public int contextLength() {
        return contextLength;
    }

    @Override
    public KvLayout kvLayout() {
        return tickets;
    }

    @Override
    public int tokenCapacity() {
        return tokenCapacity;
    }

    @Override
    public int logitCapacity() {
        return logitCapacity;
    }

    @Override
    public Activations forward(TokenBatch batch) {
        logits.reset(batch.logitCount());
        context.clear();
        int row = 0;
        for (int token = 0; token < batch.tokenCount(); token++) {
            int sequence = block(batch, token, 0);
            if (batch.position(token) == 0) {
                forget(sequence);
            }
            claim(block(batch, token, batch.position(token) / KvLayout.BLOCK_TOKENS), sequence);
            boolean wanted = row < batch.logitCount() && batch.logitToken(row) == token;
            row += wanted ? 1 : 0;
            context.add(batch.id(token), batch.position(token), sequence, wanted);
        }
        decode(batch, 0, batch.tokenCount(), 0);
        return logits;
    }

    private int block(TokenBatch batch, int token, int index) {
        return Math.toIntExact(batch.blockOffset(batch.sequence(token), index) / tickets.blockBytes());
    }

    /// Notes that `block` is `sequence`'s; whose it was before has ended.
    private void claim(int block, int sequence) {
        if (owners[block] != sequence) {
            if (owners[block] != NOBODY) {
                forget(owners[block]);
            }
            owners[block] = sequence;
        }
    }

    private void forget(int sequence) {
        context.remove(sequence);
        for (int block = 0; block < owners.length; block++) {
            if (owners[block] == sequence) {
                owners[block] = NOBODY;
            }
        }
    }

    /// Computes tokens `from` to before `to`, in halves where cells are free but not side by side, and takes
    /// their logits, whose first row is `row`; returns the row after them.
    private int decode(TokenBatch batch, int from, int to, int row) {
        if (context.decode(from, to)) {
            int next = row;
            while (next < batch.logitCount() && batch.logitToken(next) < to) {
                context.logits(batch.logitToken(next) - from, logits.values(), next * logits.stride());
                next++;
            }
            return next;
        }
        int middle = (from + to) >>> 1;
        return decode(batch, middle, to, decode(batch, from, middle, row));
    }

    @Override
    public void close() {
        context.close();
        model.close();
    }
}
