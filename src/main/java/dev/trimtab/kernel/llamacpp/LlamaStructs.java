package dev.trimtab.kernel.llamacpp;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/// The structs that `llama.h` passes by value, field for field as in llama.cpp b4916. They differ from
/// version to version: [LlamaLibrary] compares the defaults that a library puts into them before it uses it.
final class LlamaStructs {
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

    private LlamaStructs() {}

    /// Whether the structs hold what b4916 puts into them; with another layout at least one field would not.
    static boolean areDefaults(MemorySegment model, MemorySegment context) {
        return integer(model, MODEL_PARAMS, "split_mode") == 1
                && flag(model, MODEL_PARAMS, "use_mmap")
                && !flag(model, MODEL_PARAMS, "vocab_only")
                && !flag(model, MODEL_PARAMS, "use_mlock")
                && integer(context, CONTEXT_PARAMS, "n_ctx") == 512
                && integer(context, CONTEXT_PARAMS, "n_batch") == 2048
                && integer(context, CONTEXT_PARAMS, "n_seq_max") == 1
                && integer(context, CONTEXT_PARAMS, "pooling_type") == -1
                && number(context, CONTEXT_PARAMS, "yarn_beta_fast") == 32
                && number(context, CONTEXT_PARAMS, "defrag_thold") == -1
                && integer(context, CONTEXT_PARAMS, "type_k") == 1
                && flag(context, CONTEXT_PARAMS, "offload_kqv")
                && !flag(context, CONTEXT_PARAMS, "flash_attn")
                && flag(context, CONTEXT_PARAMS, "no_perf");
    }

    private static int integer(MemorySegment struct, StructLayout layout, String field) {
        return struct.get(JAVA_INT, offset(layout, field));
    }

    private static float number(MemorySegment struct, StructLayout layout, String field) {
        return struct.get(JAVA_FLOAT, offset(layout, field));
    }

    // A byte, since another layout may have anything there, which is no boolean.
    private static boolean flag(MemorySegment struct, StructLayout layout, String field) {
        return struct.get(JAVA_BYTE, offset(layout, field)) == 1;
    }

    static void set(MemorySegment struct, StructLayout layout, String field, int value) {
        struct.set(JAVA_INT, offset(layout, field), value);
    }

    static void set(MemorySegment struct, StructLayout layout, String field, float value) {
        struct.set(JAVA_FLOAT, offset(layout, field), value);
    }

    static void set(MemorySegment struct, StructLayout layout, String field, boolean value) {
        struct.set(JAVA_BOOLEAN, offset(layout, field), value);
    }

    static void set(MemorySegment struct, StructLayout layout, String field, MemorySegment value) {
        struct.set(ADDRESS, offset(layout, field), value);
    }

    private static long offset(StructLayout layout, String field) {
        return layout.byteOffset(PathElement.groupElement(field));
    }
}
