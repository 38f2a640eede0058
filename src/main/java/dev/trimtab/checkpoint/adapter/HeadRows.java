package dev.trimtab.checkpoint.adapter;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.regex.Pattern;

/// In which order q's and k's rows of one head stand: the two that rotate together are neighbours, or lie half
/// a head apart. Hugging Face has halves throughout; GGUF's converters reorder the rows of Llama's kin, and
/// those of the left factor B of an adapter with them (llama.cpp, `convert_hf_to_gguf.py`, `permute`).
public enum HeadRows {
    HALVES,
    ADJACENT;

    /// GGUF's names for the families whose rows are reordered.
    private static final Set<String> REORDERED = Set.of("llama", "deci", "granite", "smollm3");

    private static final Pattern TURNING = Pattern.compile("blk\\.\\d+\\.attn_[qk]\\.weight");

    /// As a GGUF file of `architecture` has them.
    public static HeadRows ofGguf(String architecture) {
        return REORDERED.contains(architecture) ? ADJACENT : HALVES;
    }

    /// As a checkpoint with `metadata` has them.
    public static HeadRows of(Metadata metadata) {
        return metadata.string(Metadata.ROPE_PAIRING, "").equals("halves")
                ? HALVES
                : ofGguf(metadata.string("general.architecture", ""));
    }

    /// Whether the tensor `name` has such rows.
    public static boolean isIn(String name) {
        return TURNING.matcher(name).matches();
    }

    /// The row of a head in this order that stands at `row` in `target`'s.
    private int source(HeadRows target, int row, int headDim) {
        if (this == target) {
            return row;
        }
        return switch (target) {
            case ADJACENT -> row / 2 + row % 2 * (headDim / 2);
            case HALVES -> row % (headDim / 2) * 2 + row / (headDim / 2);
        };
    }

    /// A copy of `matrix`, whose rows are whole heads of `headDim` in this order, with rows in `target`'s.
    public Tensor reordered(Tensor matrix, HeadRows target, int headDim) {
        int rows = Math.toIntExact(matrix.shape().rows());
        long rowBytes = matrix.sizeBytes() / rows;
        MemorySegment copy = MemorySegment.ofArray(new byte[Math.toIntExact(matrix.sizeBytes())]);
        for (int row = 0; row < rows; row++) {
            int from = row - row % headDim + source(target, row % headDim, headDim);
            MemorySegment.copy(matrix.data(), from * rowBytes, copy, row * rowBytes, rowBytes);
        }
        return new Tensor(
                matrix.name(), matrix.encoding(), Shape.of(rows, matrix.shape().columns()), copy);
    }
}
