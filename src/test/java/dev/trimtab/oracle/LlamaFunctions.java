package dev.trimtab.oracle;

import static dev.trimtab.oracle.NativeLibrary.POINTER;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/// The part of `llama.h` (llama.cpp b4916) that [LlamaCpp] uses: structs field for field, and functions.
/// [LlamaCppTest] checks the structs by the defaults that the library itself puts into them.
final class LlamaFunctions {
    static final StructLayout MODEL_PARAMS = MemoryLayout.structLayout(
            ADDRESS.withName("devices"),
            JAVA_INT.withName("n_gpu_layers"),
            JAVA_INT.withName("split_mode"),
            JAVA_INT.withName("main_gpu"),
            MemoryLayout.paddingLayout(4),
            ADDRESS.withName("tensor_split"),
            ADDRESS.withName("progress_callback"),
            ADDRESS.withName("progress_callback_user_data"),
            ADDRESS.withName("kv_overrides"),
            JAVA_BOOLEAN.withName("vocab_only"),
            JAVA_BOOLEAN.withName("use_mmap"),
            JAVA_BOOLEAN.withName("use_mlock"),
            JAVA_BOOLEAN.withName("check_tensors"),
            MemoryLayout.paddingLayout(4));

    static final StructLayout CONTEXT_PARAMS = MemoryLayout.structLayout(
            JAVA_INT.withName("n_ctx"),
            JAVA_INT.withName("n_batch"),
            JAVA_INT.withName("n_ubatch"),
            JAVA_INT.withName("n_seq_max"),
            JAVA_INT.withName("n_threads"),
            JAVA_INT.withName("n_threads_batch"),
            JAVA_INT.withName("rope_scaling_type"),
            JAVA_INT.withName("pooling_type"),
            JAVA_INT.withName("attention_type"),
            JAVA_FLOAT.withName("rope_freq_base"),
            JAVA_FLOAT.withName("rope_freq_scale"),
            JAVA_FLOAT.withName("yarn_ext_factor"),
            JAVA_FLOAT.withName("yarn_attn_factor"),
            JAVA_FLOAT.withName("yarn_beta_fast"),
            JAVA_FLOAT.withName("yarn_beta_slow"),
            JAVA_INT.withName("yarn_orig_ctx"),
            JAVA_FLOAT.withName("defrag_thold"),
            MemoryLayout.paddingLayout(4),
            ADDRESS.withName("cb_eval"),
            ADDRESS.withName("cb_eval_user_data"),
            JAVA_INT.withName("type_k"),
            JAVA_INT.withName("type_v"),
            JAVA_BOOLEAN.withName("logits_all"),
            JAVA_BOOLEAN.withName("embeddings"),
            JAVA_BOOLEAN.withName("offload_kqv"),
            JAVA_BOOLEAN.withName("flash_attn"),
            JAVA_BOOLEAN.withName("no_perf"),
            MemoryLayout.paddingLayout(3),
            ADDRESS.withName("abort_callback"),
            ADDRESS.withName("abort_callback_data"));

    static final StructLayout BATCH = MemoryLayout.structLayout(
            JAVA_INT.withName("n_tokens"),
            MemoryLayout.paddingLayout(4),
            ADDRESS.withName("token"),
            ADDRESS.withName("embd"),
            ADDRESS.withName("pos"),
            ADDRESS.withName("n_seq_id"),
            ADDRESS.withName("seq_id"),
            ADDRESS.withName("logits"));

    static final MethodHandle MODEL_DEFAULTS =
            NativeLibrary.function("llama_model_default_params", FunctionDescriptor.of(MODEL_PARAMS));
    static final MethodHandle CONTEXT_DEFAULTS =
            NativeLibrary.function("llama_context_default_params", FunctionDescriptor.of(CONTEXT_PARAMS));
    static final MethodHandle LOAD_MODEL =
            NativeLibrary.function("llama_model_load_from_file", FunctionDescriptor.of(ADDRESS, ADDRESS, MODEL_PARAMS));
    static final MethodHandle FREE_MODEL =
            NativeLibrary.function("llama_model_free", FunctionDescriptor.ofVoid(ADDRESS));
    static final MethodHandle NEW_CONTEXT =
            NativeLibrary.function("llama_init_from_model", FunctionDescriptor.of(ADDRESS, ADDRESS, CONTEXT_PARAMS));
    static final MethodHandle FREE_CONTEXT = NativeLibrary.function("llama_free", FunctionDescriptor.ofVoid(ADDRESS));
    static final MethodHandle VOCABULARY =
            NativeLibrary.function("llama_model_get_vocab", FunctionDescriptor.of(ADDRESS, ADDRESS));
    static final MethodHandle VOCABULARY_SIZE =
            NativeLibrary.function("llama_vocab_n_tokens", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    static final MethodHandle CLEAR_KV_CACHE =
            NativeLibrary.function("llama_kv_self_clear", FunctionDescriptor.ofVoid(ADDRESS));
    static final MethodHandle DECODE =
            NativeLibrary.function("llama_decode", FunctionDescriptor.of(JAVA_INT, ADDRESS, BATCH));
    static final MethodHandle LOGITS =
            NativeLibrary.function("llama_get_logits_ith", FunctionDescriptor.of(POINTER, ADDRESS, JAVA_INT));
    static final MethodHandle TOKENIZE = NativeLibrary.function(
            "llama_tokenize",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_BOOLEAN, JAVA_BOOLEAN));
    static final MethodHandle DETOKENIZE = NativeLibrary.function(
            "llama_detokenize",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_BOOLEAN, JAVA_BOOLEAN));

    private LlamaFunctions() {}

    static int getInt(MemorySegment struct, StructLayout layout, String field) {
        return struct.get(JAVA_INT, layout.byteOffset(PathElement.groupElement(field)));
    }

    static void setInt(MemorySegment struct, StructLayout layout, String field, int value) {
        struct.set(JAVA_INT, layout.byteOffset(PathElement.groupElement(field)), value);
    }

    static float getFloat(MemorySegment struct, StructLayout layout, String field) {
        return struct.get(JAVA_FLOAT, layout.byteOffset(PathElement.groupElement(field)));
    }

    static boolean getBoolean(MemorySegment struct, StructLayout layout, String field) {
        return struct.get(JAVA_BOOLEAN, layout.byteOffset(PathElement.groupElement(field)));
    }

    static void setBoolean(MemorySegment struct, StructLayout layout, String field, boolean value) {
        struct.set(JAVA_BOOLEAN, layout.byteOffset(PathElement.groupElement(field)), value);
    }

    static void setPointer(MemorySegment struct, StructLayout layout, String field, MemorySegment value) {
        struct.set(ADDRESS, layout.byteOffset(PathElement.groupElement(field)), value);
    }
}
