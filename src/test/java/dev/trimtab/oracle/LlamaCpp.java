package dev.trimtab.oracle;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.llamacpp.LlamaContext;
import dev.trimtab.kernel.llamacpp.LlamaContext.KvType;
import dev.trimtab.kernel.llamacpp.LlamaLibrary;
import dev.trimtab.kernel.llamacpp.LlamaModel;
import dev.trimtab.kernel.llamacpp.LlamaModel.Part;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
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
    static final LlamaLibrary LIBRARY = LlamaLibrary.load(Optional.empty());

    /// How special tokens are treated by [#tokenize].
    public enum Special {
        /// Text alone: no BOS or EOS, and control tokens in the text are text.
        NONE,
        /// Control tokens in the text are recognized; nothing is added.
        PARSE,
        /// Control tokens are recognized, and BOS and EOS added where the vocabulary says so.
        ADD_AND_PARSE
    }

    private final LlamaModel model;
    private final @Nullable LlamaContext context;
    private final int contextLength;

    private LlamaCpp(LlamaModel model, @Nullable LlamaContext context, int contextLength) {
        this.model = model;
        this.context = context;
        this.contextLength = contextLength;
    }

    /// Loads `gguf` for sequences of up to `contextLength` tokens.
    ///
    /// @throws IllegalArgumentException when llama.cpp refuses it; the message holds what it logged
    public static LlamaCpp open(Path gguf, int contextLength) {
        LlamaModel model = load(gguf, Part.ALL_ON_CPU);
        LlamaContext context =
                new LlamaContext(model, new LlamaContext.Options(contextLength, contextLength, 1, 1, KvType.F32));
        return new LlamaCpp(model, context, contextLength);
    }

    /// Loads only the vocabulary of `gguf`: tokenizing works, running does not.
    ///
    /// @throws IllegalArgumentException when llama.cpp refuses it; the message holds what it logged
    public static LlamaCpp openVocabulary(Path gguf) {
        return new LlamaCpp(load(gguf, Part.VOCABULARY), null, 0);
    }

    private static LlamaModel load(Path gguf, Part part) {
        try {
            return LlamaModel.load(LIBRARY, gguf, part);
        } catch (BadCheckpoint refused) {
            throw new IllegalArgumentException(refused.getMessage(), refused);
        }
    }

    public int vocabSize() {
        return model.vocabSize();
    }

    /// The logits after each of `tokens`, a sequence from its start: `[tokens.length, vocabSize]`. Earlier
    /// calls leave no trace.
    public float[][] logits(int... tokens) {
        running().remove(0);
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

    /// Adds the adapter in `gguf` to all that is computed from now on, times `scale`.
    ///
    /// @throws IllegalArgumentException when llama.cpp refuses it; the message holds what it logged
    public void adapt(Path gguf, float scale) {
        LIBRARY.complaints();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment adapter = LlamaLibrary.call(() -> (MemorySegment)
                    LIBRARY.function("llama_adapter_lora_init", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS))
                            .invoke(model.handle(), arena.allocateFrom(gguf.toString())));
            if (adapter.address() == 0) {
                throw new IllegalArgumentException(gguf + " is refused: " + LIBRARY.complaints());
            }
            FunctionDescriptor type = FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_FLOAT);
            LlamaLibrary.call(() -> (int) LIBRARY.function("llama_set_adapter_lora", type)
                    .invoke(running().handle(), adapter, scale));
        }
    }

    /// Takes all adapters away.
    public void clearAdapters() {
        LlamaLibrary.run(() -> LIBRARY.function("llama_clear_adapter_lora", FunctionDescriptor.ofVoid(ADDRESS))
                .invoke(running().handle()));
    }

    private LlamaContext running() {
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
        LlamaContext running = running();
        running.clear();
        for (int i = 0; i < tokens.length; i++) {
            running.add(tokens[i], position + i, 0, true);
        }
        if (!running.decode(0, tokens.length)) {
            throw new IllegalStateException("no room for " + tokens.length + " tokens");
        }
        float[][] logits = new float[tokens.length][running.vocabSize()];
        for (int i = 0; i < tokens.length; i++) {
            running.logits(i, logits[i], 0);
        }
        return logits;
    }

    /// The ids of `text`.
    public int[] tokenize(String text, Special special) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        // A token covers at least one byte, but for the few that are added around the text.
        int capacity = bytes.length + 8;
        FunctionDescriptor type = FunctionDescriptor.of(
                JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_BOOLEAN, JAVA_BOOLEAN);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ids = arena.allocate(JAVA_INT, capacity);
            boolean add = special == Special.ADD_AND_PARSE;
            boolean parse = special != Special.NONE;
            int count = LlamaLibrary.call(() -> (int) LIBRARY.function("llama_tokenize", type)
                    .invoke(
                            model.vocabulary(),
                            arena.allocateFrom(JAVA_BYTE, bytes),
                            bytes.length,
                            ids,
                            capacity,
                            add,
                            parse));
            if (count < 0) {
                throw new IllegalStateException("llama_tokenize wants room for " + -count + " ids, has " + capacity);
            }
            return Arrays.copyOf(ids.toArray(JAVA_INT), count);
        }
    }

    /// The text of `ids` with control tokens written out. Malformed UTF-8 becomes U+FFFD.
    public String detokenize(int... ids) {
        // Longer than any token of a vocabulary here; the call says when it is not.
        int capacity = 256 * (ids.length + 1);
        FunctionDescriptor type = FunctionDescriptor.of(
                JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_BOOLEAN, JAVA_BOOLEAN);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(capacity);
            int length = LlamaLibrary.call(() -> (int) LIBRARY.function("llama_detokenize", type)
                    .invoke(
                            model.vocabulary(),
                            arena.allocateFrom(JAVA_INT, ids),
                            ids.length,
                            text,
                            capacity,
                            false,
                            true));
            if (length < 0) {
                throw new IllegalStateException("llama_detokenize wants " + -length + " bytes, has " + capacity);
            }
            return new String(text.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        if (context != null) {
            context.close();
        }
        model.close();
    }
}
