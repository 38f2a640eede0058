package dev.trimtab.kernel.llamacpp;

import static dev.trimtab.kernel.llamacpp.LlamaStructs.BATCH;
import static dev.trimtab.kernel.llamacpp.LlamaStructs.CONTEXT_PARAMS;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/// llama.cpp's keys and values for one model, and a batch of tokens to compute: filled by [#add], run by
/// [#decode]. Everything a step needs is allocated once. For one thread at a time; close it before its model.
public final class LlamaContext implements AutoCloseable {
    /// How keys and values are held.
    public enum KvType {
        F32(0),
        F16(1);

        private final int ggmlId;

        KvType(int ggmlId) {
            this.ggmlId = ggmlId;
        }
    }

    /// @param cells tokens of all sequences together whose keys and values there is room for
    /// @param batchMax tokens in a batch
    /// @param sequencesMax sequences; their ids are below it
    /// @param threads of its own, beside ours
    public record Options(int cells, int batchMax, int sequencesMax, int threads, KvType kvType) {}

    /// Cells are moved together when this share of them lies in holes: llama-server's default.
    private static final float DEFRAGMENT_SHARE = 0.1f;

    /// `llama_decode`: the batch finds no place in the KV cache, as `llama.h` has it.
    private static final int NO_ROOM = 1;

    /// What it returns in b4916 when no run of free cells is long enough; also for a graph that cannot be
    /// computed, which then fails for a single token too.
    private static final int NOT_PREPARED = -3;

    private final LlamaModel model;
    private final Options options;
    private final int vocabSize;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;
    private final MemorySegment tokens;
    private final MemorySegment positions;
    private final MemorySegment sequenceCounts;
    private final MemorySegment sequenceIds;
    private final MemorySegment sequencePointers;
    private final MemorySegment wanted;
    private final MemorySegment batch = arena.allocate(BATCH);
    private final MethodHandle decode;
    private final MethodHandle logits;
    private final MethodHandle remove;
    private int count;

    /// @throws BadConfiguration when llama.cpp does not find the memory; the message holds what it logged
    public LlamaContext(LlamaModel model, Options options) {
        this.model = model;
        this.options = options;
        this.vocabSize = model.vocabSize();
        int most = options.batchMax();
        tokens = arena.allocate(JAVA_INT, most);
        positions = arena.allocate(JAVA_INT, most);
        sequenceCounts = arena.allocate(JAVA_INT, most);
        sequenceIds = arena.allocate(JAVA_INT, most);
        sequencePointers = arena.allocate(ADDRESS, most);
        wanted = arena.allocate(JAVA_BYTE, most);
        for (int i = 0; i < most; i++) {
            sequenceCounts.setAtIndex(JAVA_INT, i, 1);
            sequencePointers.setAtIndex(ADDRESS, i, sequenceIds.asSlice(4L * i));
        }
        LlamaLibrary library = model.library();
        decode = library.function("llama_decode", FunctionDescriptor.of(JAVA_INT, ADDRESS, BATCH));
        logits = library.function(
                "llama_get_logits_ith", FunctionDescriptor.of(LlamaLibrary.POINTER, ADDRESS, JAVA_INT));
        remove = library.function(
                "llama_kv_self_seq_rm", FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT));
        handle = open();
    }

    private MemorySegment open() {
        LlamaLibrary library = model.library();
        library.complaints();
        MemorySegment params = library.contextDefaults(arena);
        LlamaStructs.set(params, CONTEXT_PARAMS, "n_ctx", options.cells());
        LlamaStructs.set(params, CONTEXT_PARAMS, "n_batch", options.batchMax());
        LlamaStructs.set(params, CONTEXT_PARAMS, "n_ubatch", options.batchMax());
        LlamaStructs.set(params, CONTEXT_PARAMS, "n_seq_max", options.sequencesMax());
        LlamaStructs.set(params, CONTEXT_PARAMS, "n_threads", options.threads());
        LlamaStructs.set(params, CONTEXT_PARAMS, "n_threads_batch", options.threads());
        LlamaStructs.set(params, CONTEXT_PARAMS, "type_k", options.kvType().ggmlId);
        LlamaStructs.set(params, CONTEXT_PARAMS, "type_v", options.kvType().ggmlId);
        LlamaStructs.set(params, CONTEXT_PARAMS, "defrag_thold", DEFRAGMENT_SHARE);
        MemorySegment made = LlamaLibrary.call(() -> (MemorySegment)
                library.function("llama_init_from_model", FunctionDescriptor.of(ADDRESS, ADDRESS, CONTEXT_PARAMS))
                        .invoke(model.handle(), params));
        if (made.address() == 0) {
            arena.close();
            throw new BadConfiguration(
                    "llama.cpp makes no context of " + options.cells() + " tokens: " + library.complaints());
        }
        return made;
    }

    public int vocabSize() {
        return vocabSize;
    }

    /// For functions that this class does not call.
    public MemorySegment handle() {
        return handle;
    }

    /// Empties the batch.
    public void clear() {
        count = 0;
    }

    /// Adds `token` at `position` of `sequence`; its logits can be read after [#decode] when `wantsLogits`.
    public void add(int token, int position, int sequence, boolean wantsLogits) {
        // llama.cpp ends the process, or reads elsewhere, when one of these is out of range.
        Objects.checkIndex(token, vocabSize);
        Objects.checkIndex(sequence, options.sequencesMax());
        Objects.checkIndex(position, options.cells());
        Objects.checkIndex(count, options.batchMax());
        tokens.setAtIndex(JAVA_INT, count, token);
        positions.setAtIndex(JAVA_INT, count, position);
        sequenceIds.setAtIndex(JAVA_INT, count, sequence);
        wanted.set(JAVA_BYTE, count, (byte) (wantsLogits ? 1 : 0));
        count++;
    }

    public int count() {
        return count;
    }

    /// Computes the tokens `from` to before `to` of the batch; false, and nothing has changed, when so many
    /// find no room side by side: fewer at a time may.
    ///
    /// @throws Internal when one token alone finds none, or llama.cpp fails otherwise
    public boolean decode(int from, int to) {
        Objects.checkFromToIndex(from, to, count);
        LlamaStructs.set(batch, BATCH, "n_tokens", to - from);
        LlamaStructs.set(batch, BATCH, "token", tokens.asSlice(4L * from));
        LlamaStructs.set(batch, BATCH, "pos", positions.asSlice(4L * from));
        LlamaStructs.set(batch, BATCH, "n_seq_id", sequenceCounts.asSlice(4L * from));
        LlamaStructs.set(batch, BATCH, "seq_id", sequencePointers.asSlice(8L * from));
        LlamaStructs.set(batch, BATCH, "logits", wanted.asSlice(from));
        int status = LlamaLibrary.call(() -> (int) decode.invokeExact(handle, batch));
        boolean noRoom = status == NO_ROOM || status == NOT_PREPARED;
        if (status != 0 && !(noRoom && to - from > 1)) {
            throw new Internal(
                    "llama_decode returned " + status + ": " + model.library().complaints());
        }
        return status == 0;
    }

    /// Copies the logits after token `index` of the last [#decode], counted from its `from`, to `out[offset ..
    /// offset + vocabSize())`.
    public void logits(int index, float[] out, int offset) {
        MemorySegment row = LlamaLibrary.call(() -> (MemorySegment) logits.invokeExact(handle, index));
        if (row.address() == 0) {
            throw new Internal("llama.cpp has no logits for token " + index + " of the batch");
        }
        MemorySegment.copy(row, JAVA_FLOAT, 0, out, offset, vocabSize);
    }

    /// Forgets the keys and values of `sequence`.
    public void remove(int sequence) {
        LlamaLibrary.call(() -> (boolean) remove.invokeExact(handle, sequence, -1, -1));
    }

    @Override
    public void close() {
        LlamaLibrary.run(() -> model.library()
                .function("llama_free", FunctionDescriptor.ofVoid(ADDRESS))
                .invoke(handle));
        arena.close();
    }
}
