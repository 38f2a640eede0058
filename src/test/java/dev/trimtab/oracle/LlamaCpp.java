package dev.trimtab.oracle;

import static dev.trimtab.oracle.LlamaFunctions.BATCH;
import static dev.trimtab.oracle.LlamaFunctions.CONTEXT_PARAMS;
import static dev.trimtab.oracle.LlamaFunctions.MODEL_PARAMS;
import static dev.trimtab.oracle.LlamaFunctions.setBoolean;
import static dev.trimtab.oracle.LlamaFunctions.setInt;
import static dev.trimtab.oracle.LlamaFunctions.setPointer;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A GGUF file run by llama.cpp itself: the oracle for logits and token ids, written by none of us.
///
/// One thread, keys and values in f32, no flash attention, weights on the CPU: the same input gives the same
/// numbers. Weights in F32 are multiplied in f32; for other encodings llama.cpp rounds the activations too
/// (to f16 for F16, to 8 bits for quantized ones), so compare those with a wider tolerance. It is b4916
/// (March 2025): what came later (qwen3, smollm3, MXFP4 ...) it refuses to load.
///
/// For one thread at a time.
public final class LlamaCpp implements AutoCloseable {
    private static final int GGML_TYPE_F32 = 0;

    /// How special tokens are treated by [#tokenize].
    public enum Special {
        /// Text alone: no BOS or EOS, and control tokens in the text are text.
        NONE,
        /// Control tokens in the text are recognized; nothing is added.
        PARSE,
        /// Control tokens are recognized, and BOS and EOS added where the vocabulary says so.
        ADD_AND_PARSE
    }

    private final MemorySegment model;
    private final MemorySegment vocabulary;
    private final @Nullable MemorySegment context;
    private final int contextLength;

    private LlamaCpp(Path gguf, boolean vocabularyOnly, int contextLength) {
        try (Arena arena = Arena.ofConfined()) {
            NativeLibrary.complaints();
            MemorySegment params = (MemorySegment) LlamaFunctions.MODEL_DEFAULTS.invokeExact((SegmentAllocator) arena);
            setInt(params, MODEL_PARAMS, "n_gpu_layers", 0);
            setBoolean(params, MODEL_PARAMS, "vocab_only", vocabularyOnly);
            model = (MemorySegment) LlamaFunctions.LOAD_MODEL.invokeExact(arena.allocateFrom(gguf.toString()), params);
            if (model.address() == 0) {
                throw new IllegalArgumentException(
                        "llama.cpp does not load " + gguf + ": " + NativeLibrary.complaints());
            }
            vocabulary = (MemorySegment) LlamaFunctions.VOCABULARY.invokeExact(model);
            this.contextLength = contextLength;
            context = vocabularyOnly ? null : newContext(arena);
        } catch (RuntimeException | Error refusal) {
            throw refusal;
        } catch (Throwable thrown) {
            throw NativeLibrary.fault(thrown);
        }
    }

    /// Loads `gguf` for sequences of up to `contextLength` tokens.
    ///
    /// @throws IllegalArgumentException when llama.cpp refuses it; the message holds what it logged
    public static LlamaCpp open(Path gguf, int contextLength) {
        return new LlamaCpp(gguf, false, contextLength);
    }

    /// Loads only the vocabulary of `gguf`: tokenizing works, running does not.
    ///
    /// @throws IllegalArgumentException when llama.cpp refuses it; the message holds what it logged
    public static LlamaCpp openVocabulary(Path gguf) {
        return new LlamaCpp(gguf, true, 0);
    }

    private MemorySegment newContext(Arena arena) throws Throwable {
        MemorySegment params = (MemorySegment) LlamaFunctions.CONTEXT_DEFAULTS.invokeExact((SegmentAllocator) arena);
        setInt(params, CONTEXT_PARAMS, "n_ctx", contextLength);
        setInt(params, CONTEXT_PARAMS, "n_batch", contextLength);
        setInt(params, CONTEXT_PARAMS, "n_threads", 1);
        setInt(params, CONTEXT_PARAMS, "n_threads_batch", 1);
        setInt(params, CONTEXT_PARAMS, "type_k", GGML_TYPE_F32);
        setInt(params, CONTEXT_PARAMS, "type_v", GGML_TYPE_F32);
        setBoolean(params, CONTEXT_PARAMS, "flash_attn", false);
        MemorySegment made = (MemorySegment) LlamaFunctions.NEW_CONTEXT.invokeExact(model, params);
        if (made.address() == 0) {
            LlamaFunctions.FREE_MODEL.invokeExact(model);
            throw new IllegalArgumentException("llama.cpp makes no context: " + NativeLibrary.complaints());
        }
        return made;
    }

    public int vocabSize() {
        try {
            return (int) LlamaFunctions.VOCABULARY_SIZE.invokeExact(vocabulary);
        } catch (Throwable thrown) {
            throw NativeLibrary.fault(thrown);
        }
    }

    /// The logits after each of `tokens`, a sequence from its start: `[tokens.length, vocabSize]`. Earlier
    /// calls leave no trace.
    public float[][] logits(int... tokens) {
        clear();
        return append(0, tokens);
    }

    /// The `count` ids that greedy decoding appends to `prompt`, end-of-generation tokens among them; of equal
    /// logits the lower id wins.
    public int[] greedy(int[] prompt, int count) {
        int[] ids = new int[count];
        float[][] logits = logits(prompt);
        for (int i = 0; i < count; i++) {
            ids[i] = argmax(logits[logits.length - 1]);
            if (i + 1 < count) {
                logits = append(prompt.length + i, ids[i]);
            }
        }
        return ids;
    }

    private static int argmax(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    private void clear() {
        MemorySegment running = running();
        try {
            LlamaFunctions.CLEAR_KV_CACHE.invokeExact(running);
        } catch (Throwable thrown) {
            throw NativeLibrary.fault(thrown);
        }
    }

    private MemorySegment running() {
        if (context == null) {
            throw new IllegalStateException("only the vocabulary is loaded");
        }
        return context;
    }

    /// Decodes `tokens` at `position` and on; the logits after each.
    private float[][] append(int position, int... tokens) {
        if (tokens.length == 0 || position + tokens.length > contextLength) {
            throw new IllegalArgumentException(
                    "1.." + contextLength + " tokens expected, found " + (position + tokens.length));
        }
        for (int token : tokens) {
            // llama.cpp would throw through us and end the process.
            Objects.checkIndex(token, vocabSize());
        }
        try (Arena arena = Arena.ofConfined()) {
            int status = (int) LlamaFunctions.DECODE.invokeExact(running(), batch(arena, position, tokens));
            if (status != 0) {
                throw new IllegalStateException("llama_decode returned " + status + ": " + NativeLibrary.complaints());
            }
            float[][] logits = new float[tokens.length][];
            for (int i = 0; i < tokens.length; i++) {
                MemorySegment row = (MemorySegment) LlamaFunctions.LOGITS.invokeExact(running(), i);
                logits[i] = row.asSlice(0, (long) vocabSize() * Float.BYTES).toArray(JAVA_FLOAT);
            }
            return logits;
        } catch (RuntimeException | Error refusal) {
            throw refusal;
        } catch (Throwable thrown) {
            throw NativeLibrary.fault(thrown);
        }
    }

    /// All tokens of sequence 0, each with its logits wanted.
    private static MemorySegment batch(Arena arena, int position, int[] tokens) {
        int count = tokens.length;
        MemorySegment positions = arena.allocate(JAVA_INT, count);
        MemorySegment sequenceCounts = arena.allocate(JAVA_INT, count);
        MemorySegment sequences = arena.allocate(ADDRESS, count);
        MemorySegment wanted = arena.allocate(JAVA_BYTE, count);
        MemorySegment sequenceZero = arena.allocateFrom(JAVA_INT, 0);
        for (int i = 0; i < count; i++) {
            positions.setAtIndex(JAVA_INT, i, position + i);
            sequenceCounts.setAtIndex(JAVA_INT, i, 1);
            sequences.setAtIndex(ADDRESS, i, sequenceZero);
            wanted.set(JAVA_BYTE, i, (byte) 1);
        }
        MemorySegment batch = arena.allocate(BATCH);
        setInt(batch, BATCH, "n_tokens", count);
        setPointer(batch, BATCH, "token", arena.allocateFrom(JAVA_INT, tokens));
        setPointer(batch, BATCH, "pos", positions);
        setPointer(batch, BATCH, "n_seq_id", sequenceCounts);
        setPointer(batch, BATCH, "seq_id", sequences);
        setPointer(batch, BATCH, "logits", wanted);
        return batch;
    }

    /// The ids of `text`.
    public int[] tokenize(String text, Special special) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        // A token covers at least one byte, but for the few that are added around the text.
        int capacity = bytes.length + 8;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ids = arena.allocate(JAVA_INT, capacity);
            int count = (int) LlamaFunctions.TOKENIZE.invokeExact(
                    vocabulary,
                    arena.allocateFrom(JAVA_BYTE, bytes),
                    bytes.length,
                    ids,
                    capacity,
                    special == Special.ADD_AND_PARSE,
                    special != Special.NONE);
            if (count < 0) {
                throw new IllegalStateException("llama_tokenize wants room for " + -count + " ids, has " + capacity);
            }
            return Arrays.copyOf(ids.toArray(JAVA_INT), count);
        } catch (RuntimeException | Error refusal) {
            throw refusal;
        } catch (Throwable thrown) {
            throw NativeLibrary.fault(thrown);
        }
    }

    /// The text of `ids` with control tokens written out. Malformed UTF-8 becomes U+FFFD.
    public String detokenize(int... ids) {
        // Longer than any token of a vocabulary here; the call says when it is not.
        int capacity = 256 * (ids.length + 1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(capacity);
            int length = (int) LlamaFunctions.DETOKENIZE.invokeExact(
                    vocabulary, arena.allocateFrom(JAVA_INT, ids), ids.length, text, capacity, false, true);
            if (length < 0) {
                throw new IllegalStateException("llama_detokenize wants " + -length + " bytes, has " + capacity);
            }
            return new String(text.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
        } catch (RuntimeException | Error refusal) {
            throw refusal;
        } catch (Throwable thrown) {
            throw NativeLibrary.fault(thrown);
        }
    }

    @Override
    public void close() {
        try {
            if (context != null) {
                LlamaFunctions.FREE_CONTEXT.invokeExact(context);
            }
            LlamaFunctions.FREE_MODEL.invokeExact(model);
        } catch (Throwable thrown) {
            throw NativeLibrary.fault(thrown);
        }
    }
}
