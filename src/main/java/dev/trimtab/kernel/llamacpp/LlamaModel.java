package dev.trimtab.kernel.llamacpp;

import static dev.trimtab.kernel.llamacpp.LlamaStructs.MODEL_PARAMS;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.trimtab.error.BadCheckpoint;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// A GGUF file that llama.cpp has loaded. Owner of its weights; close its contexts first. Safe to read from
/// any thread.
public final class LlamaModel implements AutoCloseable {
    /// What of a file to load.
    public enum Part {
        /// Everything, all layers on the GPU where the library was built for one.
        ALL,
        /// Everything, on the CPU.
        ALL_ON_CPU,
        /// Vocabulary and metadata: no context can be made.
        VOCABULARY
    }

    /// More than any model has: llama.cpp takes as many as there are.
    private static final int ALL_LAYERS = 9_999;

    private final LlamaLibrary library;
    private final MemorySegment handle;
    private final MemorySegment vocabulary;

    private LlamaModel(LlamaLibrary library, MemorySegment handle) {
        this.library = library;
        this.handle = handle;
        this.vocabulary = LlamaLibrary.call(
                () -> (MemorySegment) library.function("llama_model_get_vocab", FunctionDescriptor.of(ADDRESS, ADDRESS))
                        .invoke(handle));
    }

    /// Loads `gguf`, which should have passed our own reader: llama.cpp aborts the process on some faults.
    ///
    /// @throws BadCheckpoint when llama.cpp refuses it; the message holds what it logged
    public static LlamaModel load(LlamaLibrary library, Path gguf, Part part) {
        library.complaints();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment params = library.modelDefaults(arena);
            LlamaStructs.set(params, MODEL_PARAMS, "n_gpu_layers", part == Part.ALL ? ALL_LAYERS : 0);
            LlamaStructs.set(params, MODEL_PARAMS, "vocab_only", part == Part.VOCABULARY);
            MemorySegment handle = LlamaLibrary.call(() -> (MemorySegment) library.function(
                            "llama_model_load_from_file", FunctionDescriptor.of(ADDRESS, ADDRESS, MODEL_PARAMS))
                    .invoke(arena.allocateFrom(gguf.toString()), params));
            if (handle.address() == 0) {
                throw new BadCheckpoint(gguf + ": llama.cpp does not load it: " + library.complaints());
            }
            return new LlamaModel(library, handle);
        }
    }

    public LlamaLibrary library() {
        return library;
    }

    /// llama.cpp's `llama_model *`.
    public MemorySegment handle() {
        return handle;
    }

    /// llama.cpp's `const llama_vocab *`.
    public MemorySegment vocabulary() {
        return vocabulary;
    }

    public int vocabSize() {
        return LlamaLibrary.call(
                () -> (int) library.function("llama_vocab_n_tokens", FunctionDescriptor.of(JAVA_INT, ADDRESS))
                        .invoke(vocabulary));
    }

    /// The longest sequence it was trained on.
    public int trainedContextLength() {
        return LlamaLibrary.call(
                () -> (int) library.function("llama_model_n_ctx_train", FunctionDescriptor.of(JAVA_INT, ADDRESS))
                        .invoke(handle));
    }

    /// Whether it keeps a state instead of keys and values (Mamba, RWKV).
    public boolean isRecurrent() {
        return ask("llama_model_is_recurrent");
    }

    /// Whether it has an encoder (T5, BERT).
    public boolean hasEncoder() {
        return ask("llama_model_has_encoder");
    }

    private boolean ask(String question) {
        return LlamaLibrary.call(
                () -> (boolean) library.function(question, FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS))
                        .invoke(handle));
    }

    @Override
    public void close() {
        LlamaLibrary.run(() -> library.function("llama_model_free", FunctionDescriptor.ofVoid(ADDRESS))
                .invoke(handle));
    }
}
