package dev.trimtab.quality;

import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tokenizer.text.ByteAlphabet;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/// Checkpoints of well-known shapes with random F16 weights, for measuring speed where no trained one is at
/// hand. They say nothing sensible; their bytes and multiply-adds are those of the real thing.
///
/// Shapes are those of the models' published `config.json` (biases, which cost nothing, left out).
public enum SyntheticCheckpoint {
    LLAMA_1B(new Sizes(2048, 8192, 16, 32, 8, 64, 128_256)),
    SMOLLM_135M(new Sizes(576, 1536, 30, 9, 3, 64, 49_152)),
    QWEN_0_5B(new Sizes(896, 4864, 24, 14, 2, 64, 151_936));

    private static final int CONTEXT_LENGTH = 8192;

    /// Values repeat after this many; caches do not notice, for they see addresses.
    private static final int PATTERN_ELEMENTS = 1 << 20;

    /// From one tensor's beginning to the next one's.
    private static final int SHIFT_ELEMENTS = 32;

    private static final int TENSORS_MAX = 1000;

    /// Tokens that are a byte each, so that methods have a text to calibrate on.
    private static final int BYTES = 256;

    private record Sizes(
            int hiddenSize, int intermediateSize, int layers, int heads, int kvHeads, int headDim, int vocabSize) {}

    @SuppressWarnings("ImmutableEnumChecker") // a record of numbers
    private final Sizes sizes;

    SyntheticCheckpoint(Sizes sizes) {
        this.sizes = sizes;
    }

    /// The shape a user calls `name`, such as `llama-1b`.
    public static SyntheticCheckpoint of(String name) {
        return Arrays.stream(values())
                .filter(shape -> shape.label().equals(name))
                .findFirst()
                .orElseThrow(() -> InvalidRequest.param(
                        "synthetic",
                        "--synthetic " + name + ": expected one of "
                                + Arrays.stream(values())
                                        .map(SyntheticCheckpoint::label)
                                        .collect(Collectors.joining(", "))));
    }

    /// `llama-1b`, `smollm-135m`, `qwen-0.5b`.
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace("_0_5", "_0.5").replace('_', '-');
    }

    /// Writes it as GGUF.
    public void write(Path file) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment pool =
                    random(arena, (long) sizes.vocabSize() * sizes.hiddenSize() + SHIFT_ELEMENTS * TENSORS_MAX);
            GgufWriter writer = new GgufWriter();
            describe(writer);
            for (Tensor tensor : tensors(pool)) {
                writer.tensor(tensor);
            }
            writer.write(file);
        }
    }

    private void describe(GgufWriter writer) {
        writer.text("general.architecture", "llama")
                .text("general.name", "synthetic " + label())
                .uint32("llama.context_length", CONTEXT_LENGTH)
                .uint32("llama.embedding_length", sizes.hiddenSize())
                .uint32("llama.block_count", sizes.layers())
                .uint32("llama.feed_forward_length", sizes.intermediateSize())
                .uint32("llama.attention.head_count", sizes.heads())
                .uint32("llama.attention.head_count_kv", sizes.kvHeads())
                .uint32("llama.attention.key_length", sizes.headDim())
                .uint32("llama.attention.value_length", sizes.headDim())
                .uint32("llama.rope.dimension_count", sizes.headDim())
                .float32("llama.rope.freq_base", 500_000)
                .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        List<String> tokens = new ArrayList<>(sizes.vocabSize());
        for (int id = 0; id < sizes.vocabSize(); id++) {
            tokens.add(id < BYTES ? ByteAlphabet.piece(id) : "t" + id);
        }
        long[] types = new long[sizes.vocabSize()];
        Arrays.fill(types, 1);
        writer.text("tokenizer.ggml.model", "gpt2")
                .text("tokenizer.ggml.pre", "gpt-2")
                .texts("tokenizer.ggml.tokens", tokens)
                .put("tokenizer.ggml.token_type", new MetadataValue.Wholes(ValueType.INT32, types))
                .texts("tokenizer.ggml.merges", List.of());
    }

    private List<Tensor> tensors(MemorySegment pool) {
        List<Tensor> tensors = new ArrayList<>();
        int hidden = sizes.hiddenSize();
        add(tensors, "token_embd", Shape.of(sizes.vocabSize(), hidden), pool);
        add(tensors, "output_norm", Shape.of(hidden), pool);
        for (int i = 0; i < sizes.layers(); i++) {
            String prefix = "blk." + i + ".";
            add(tensors, prefix + "attn_norm", Shape.of(hidden), pool);
            add(tensors, prefix + "attn_q", Shape.of((long) sizes.heads() * sizes.headDim(), hidden), pool);
            add(tensors, prefix + "attn_k", Shape.of((long) sizes.kvHeads() * sizes.headDim(), hidden), pool);
            add(tensors, prefix + "attn_v", Shape.of((long) sizes.kvHeads() * sizes.headDim(), hidden), pool);
            add(tensors, prefix + "attn_output", Shape.of(hidden, (long) sizes.heads() * sizes.headDim()), pool);
            add(tensors, prefix + "ffn_norm", Shape.of(hidden), pool);
            add(tensors, prefix + "ffn_gate", Shape.of(sizes.intermediateSize(), hidden), pool);
            add(tensors, prefix + "ffn_up", Shape.of(sizes.intermediateSize(), hidden), pool);
            add(tensors, prefix + "ffn_down", Shape.of(hidden, sizes.intermediateSize()), pool);
        }
        return tensors;
    }

    /// Each tensor begins elsewhere in the pool: two of equal content would be held once.
    private static void add(List<Tensor> tensors, String name, Shape shape, MemorySegment pool) {
        long start = Encoding.F16.sizeBytes((long) SHIFT_ELEMENTS * tensors.size());
        MemorySegment data = pool.asSlice(start, Encoding.F16.sizeBytes(shape.elements()));
        tensors.add(new Tensor(name + ".weight", Encoding.F16, shape, data));
    }

    /// `elements` F16 numbers of standard deviation 0.02, the usual initialisation.
    private static MemorySegment random(Arena arena, long elements) {
        ValueLayout.OfShort half = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
        MemorySegment memory = arena.allocate(2 * elements, 64);
        int pattern = (int) Math.min(elements, PATTERN_ELEMENTS);
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < pattern; i++) {
            memory.set(half, 2L * i, Float.floatToFloat16((float) (0.02 * random.nextGaussian())));
        }
        for (long at = pattern; at < elements; at += pattern) {
            long count = Math.min(pattern, elements - at);
            MemorySegment.copy(memory, 0, memory, 2 * at, 2 * count);
        }
        return memory;
    }
}
