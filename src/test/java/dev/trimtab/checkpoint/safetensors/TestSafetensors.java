package dev.trimtab.checkpoint.safetensors;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.io.ByteWriter;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.StringJoiner;

/// Writes what Hugging Face's layout of a checkpoint holds, for tests.
public final class TestSafetensors {
    private TestSafetensors() {}

    /// The bytes of a safetensors file of `tensors`, under their own names.
    public static byte[] bytes(Collection<Tensor> tensors) {
        StringJoiner entries = new StringJoiner(", ", "{\"__metadata__\": {\"format\": \"pt\"}, ", "}");
        var buffer = new ByteArrayOutputStream();
        for (Tensor tensor : tensors) {
            int begin = buffer.size();
            buffer.writeBytes(tensor.data().toArray(ValueLayout.JAVA_BYTE));
            entries.add("\"%s\": {\"dtype\": \"%s\", \"shape\": %s, \"data_offsets\": [%d, %d]}"
                    .formatted(tensor.name(), tensor.encoding(), tensor.shape(), begin, buffer.size()));
        }
        return file(entries.toString(), buffer.toByteArray());
    }

    /// A file of any header and buffer.
    public static byte[] file(String header, byte[] buffer) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        var out = new ByteArrayOutputStream();
        out.writeBytes(new ByteWriter().int64(json.length).toBytes());
        out.writeBytes(json);
        out.writeBytes(buffer);
        return out.toByteArray();
    }

    /// Writes the llama checkpoint `gguf`, all of whose tensors are plain values, as Hugging Face would: its
    /// names, its order of the query's and key's rows, its configuration. The tokenizer is left out.
    public static Path llama(Checkpoint gguf, Path folder) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("config.json"), config(gguf));
            Files.write(
                    folder.resolve("model.safetensors"),
                    bytes(gguf.tensors().values().stream()
                            .map(tensor -> tensor(gguf, tensor))
                            .toList()));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Tensor tensor(Checkpoint gguf, Tensor tensor) {
        MemorySegment data = tensor.data();
        if (tensor.name().endsWith("attn_q.weight")) {
            data = halves(tensor, gguf.metadata().integer("llama.attention.head_count"));
        } else if (tensor.name().endsWith("attn_k.weight")) {
            data = halves(tensor, gguf.metadata().integer("llama.attention.head_count_kv"));
        }
        return new Tensor(name(tensor.name()), tensor.encoding(), tensor.shape(), data);
    }

    /// The rows of a matrix stored for adjacent rotation in the order that rotates halves: row 2i + t of each
    /// head goes to row t D/2 + i.
    public static MemorySegment halves(Tensor tensor, long heads) {
        Shape shape = tensor.shape();
        long rowBytes = tensor.sizeBytes() / shape.rows();
        long headDim = shape.rows() / heads;
        byte[] permuted = new byte[Math.toIntExact(tensor.sizeBytes())];
        for (long row = 0; row < shape.rows(); row++) {
            long inHead = row % headDim;
            long target = row - inHead + inHead % 2 * (headDim / 2) + inHead / 2;
            MemorySegment.copy(
                    tensor.data(), row * rowBytes, MemorySegment.ofArray(permuted), target * rowBytes, rowBytes);
        }
        return MemorySegment.ofArray(permuted);
    }

    private static String name(String canonical) {
        return canonical
                .replaceFirst("^blk\\.", "model.layers.")
                .replace("token_embd", "model.embed_tokens")
                .replace("output_norm", "model.norm")
                .replaceFirst("^output\\.", "lm_head.")
                .replace("attn_norm", "input_layernorm")
                .replace("ffn_norm", "post_attention_layernorm")
                .replaceFirst("attn_([qkv])", "self_attn.$1_proj")
                .replace("attn_output", "self_attn.o_proj")
                .replaceFirst("ffn_(gate|up|down)", "mlp.$1_proj");
    }

    private static String config(Checkpoint gguf) {
        Metadata metadata = gguf.metadata();
        return """
                {"model_type": "llama", "hidden_act": "silu", "hidden_size": %d, "intermediate_size": %d,
                 "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "vocab_size": %d,
                 "max_position_embeddings": %d, "rms_norm_eps": %s, "rope_theta": %s, "rope_scaling": null,
                 "tie_word_embeddings": %b, "bos_token_id": %d, "eos_token_id": [%d]}
                """.formatted(
                        metadata.integer("llama.embedding_length"),
                        metadata.integer("llama.feed_forward_length"),
                        metadata.integer("llama.block_count"),
                        metadata.integer("llama.attention.head_count"),
                        metadata.integer("llama.attention.head_count_kv"),
                        metadata.integer("llama.vocab_size"),
                        metadata.integer("llama.context_length"),
                        metadata.number("llama.attention.layer_norm_rms_epsilon"),
                        metadata.number("llama.rope.freq_base"),
                        gguf.find("output.weight").isEmpty(),
                        metadata.integer("tokenizer.ggml.bos_token_id"),
                        metadata.integer("tokenizer.ggml.eos_token_id"));
    }
}
