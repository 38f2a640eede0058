package dev.trimtab.checkpoint.huggingface;

import dev.trimtab.checkpoint.io.MappedFiles;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.regex.Pattern;

/// What GGUF's converters do to the values of some families' tensors, done the same way to those of a Hugging
/// Face folder:
///
/// - Gemma's norms multiply by `1 + weight`; GGUF stores the sum.
/// - GPT-2's matrices are stored `[in, out]`; GGUF has all as `[out, in]`.
///
/// Source: llama.cpp's `convert_hf_to_gguf.py`. The permutation of q and k for adjacent rotation is not done:
/// see [Metadata#ROPE_PAIRING].
final class TensorValues {
    private static final Pattern TURNED =
            Pattern.compile("blk\\.\\d+\\.(?:attn_qkv|attn_output|ffn_up|ffn_down)\\.weight");
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private TensorValues() {}

    /// `tensor`, of canonical name, as a GGUF file of `architecture` has it. New values lie in memory of
    /// `files`.
    static Tensor canonical(String architecture, Tensor tensor, MappedFiles files) {
        if (architecture.startsWith("gemma") && tensor.name().endsWith("norm.weight")) {
            return plusOne(tensor, files);
        }
        boolean turned = architecture.equals("gpt2")
                && tensor.shape().rank() == 2
                && TURNED.matcher(tensor.name()).matches();
        return turned ? transposed(tensor, files) : tensor;
    }

    private static Tensor plusOne(Tensor tensor, MappedFiles files) {
        int count = Math.toIntExact(tensor.shape().elements());
        float[] values = new float[count];
        Dequantizer.decode(tensor.encoding(), tensor.data(), 0, values, 0, count);
        MemorySegment sums = files.allocate((long) count * Float.BYTES);
        for (int i = 0; i < count; i++) {
            sums.set(FLOAT, (long) i * Float.BYTES, values[i] + 1);
        }
        return new Tensor(tensor.name(), Encoding.F32, tensor.shape(), sums);
    }

    private static Tensor transposed(Tensor tensor, MappedFiles files) {
        long rows = tensor.shape().rows();
        long columns = tensor.shape().columns();
        long size = tensor.encoding().sizeBytes(1);
        MemorySegment turned = files.allocate(tensor.sizeBytes());
        for (long row = 0; row < rows; row++) {
            for (long column = 0; column < columns; column++) {
                MemorySegment.copy(
                        tensor.data(), (row * columns + column) * size, turned, (column * rows + row) * size, size);
            }
        }
        return new Tensor(tensor.name(), tensor.encoding(), Shape.of(columns, rows), turned);
    }
}
