package dev.trimtab.checkpoint;

import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Random;

/// Small llama checkpoints of seeded random weights, made in memory: what tests compute with when the weights
/// need not mean anything.
///
/// Begin with [#llama()], change what matters, end with [#open()], [#bytes()] or [#write(Path)]. The same
/// settings give the same bytes. Defaults: seed 1, 2 layers, hidden 64, 4 heads of 16 over 2 key-value heads,
/// feed-forward 128, context 256, F16, tied head, the smallest vocabulary.
public final class TestCheckpoints {
    private static final String[] NORMS = {"attn_norm", "ffn_norm"};

    private final GgufWriter writer = new GgufWriter();
    private long seed = 1;
    private int hiddenSize = 64;
    private int layers = 2;
    private int heads = 4;
    private int keyValueHeads = 2;
    private int intermediateSize = 128;
    private int vocabSize = TinyVocabulary.SIZE_MIN;
    private int contextLength = 256;
    private boolean tied = true;
    private Encoding encoding = Encoding.F16;
    private Encoding embeddingEncoding = Encoding.F16;

    private TestCheckpoints() {}

    /// The defaults above.
    public static TestCheckpoints llama() {
        return new TestCheckpoints();
    }

    public TestCheckpoints seed(long seed) {
        this.seed = seed;
        return this;
    }

    /// A multiple of the number of heads, and of the encodings' blocks.
    public TestCheckpoints hiddenSize(int hiddenSize) {
        this.hiddenSize = hiddenSize;
        return this;
    }

    public TestCheckpoints layers(int layers) {
        this.layers = layers;
        return this;
    }

    public TestCheckpoints heads(int heads, int keyValueHeads) {
        this.heads = heads;
        this.keyValueHeads = keyValueHeads;
        return this;
    }

    public TestCheckpoints intermediateSize(int intermediateSize) {
        this.intermediateSize = intermediateSize;
        return this;
    }

    /// Tokens beyond the vocabulary's own are unused ones.
    public TestCheckpoints vocabSize(int vocabSize) {
        if (vocabSize < TinyVocabulary.SIZE_MIN) {
            throw new Internal("at least " + TinyVocabulary.SIZE_MIN + " tokens expected, found " + vocabSize);
        }
        this.vocabSize = vocabSize;
        return this;
    }

    public TestCheckpoints contextLength(int contextLength) {
        this.contextLength = contextLength;
        return this;
    }

    /// The encoding of every matrix, the embedding included; norms stay F32. Any but `IQ1_M`, `MXFP4`,
    /// `NVFP4` and those not of weights; row lengths must be whole blocks.
    public TestCheckpoints encoding(Encoding encoding) {
        this.encoding = encoding;
        this.embeddingEncoding = encoding;
        return this;
    }

    /// The encoding of the embedding (and of an untied head) where it differs; comes after
    /// [#encoding(Encoding)].
    public TestCheckpoints embeddingEncoding(Encoding encoding) {
        this.embeddingEncoding = encoding;
        return this;
    }

    /// Gives the head weights of its own.
    public TestCheckpoints untied() {
        this.tied = false;
        return this;
    }

    /// Opened from memory.
    public Checkpoint open() {
        return Checkpoint.of("random.gguf", MemorySegment.ofArray(bytes()));
    }

    public byte[] bytes() {
        return fill().toBytes();
    }

    /// Writes the file and answers its path.
    public Path write(Path path) {
        fill().write(path);
        return path;
    }

    private GgufWriter fill() {
        metadata();
        TinyVocabulary.write(writer, vocabSize);
        Random random = new Random(seed);
        matrix("token_embd.weight", vocabSize, hiddenSize, random);
        norm("output_norm.weight", random);
        if (!tied) {
            matrix("output.weight", vocabSize, hiddenSize, random);
        }
        for (int layer = 0; layer < layers; layer++) {
            block("blk." + layer + ".", random);
        }
        return writer;
    }

    private void metadata() {
        int headDim = hiddenSize / heads;
        writer.text("general.architecture", "llama")
                .text("general.name", "random llama " + seed)
                .text("general.type", "model")
                .uint32("llama.context_length", contextLength)
                .uint32("llama.embedding_length", hiddenSize)
                .uint32("llama.block_count", layers)
                .uint32("llama.feed_forward_length", intermediateSize)
                .uint32("llama.attention.head_count", heads)
                .uint32("llama.attention.head_count_kv", keyValueHeads)
                .uint32("llama.rope.dimension_count", headDim)
                .uint32("llama.vocab_size", vocabSize)
                .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .float32("llama.rope.freq_base", 10_000);
    }

    private void block(String prefix, Random random) {
        int keyValueSize = hiddenSize / heads * keyValueHeads;
        for (String norm : NORMS) {
            norm(prefix + norm + ".weight", random);
        }
        matrix(prefix + "attn_q.weight", hiddenSize, hiddenSize, random);
        matrix(prefix + "attn_k.weight", keyValueSize, hiddenSize, random);
        matrix(prefix + "attn_v.weight", keyValueSize, hiddenSize, random);
        matrix(prefix + "attn_output.weight", hiddenSize, hiddenSize, random);
        matrix(prefix + "ffn_gate.weight", intermediateSize, hiddenSize, random);
        matrix(prefix + "ffn_up.weight", intermediateSize, hiddenSize, random);
        matrix(prefix + "ffn_down.weight", hiddenSize, intermediateSize, random);
    }

    private void matrix(String name, int rows, int columns, Random random) {
        Encoding chosen = name.startsWith("blk.") ? encoding : embeddingEncoding;
        byte[] bytes = RandomWeights.normal(chosen, rows * columns, 1 / Math.sqrt(columns), random);
        writer.tensor(new Tensor(name, chosen, Shape.of(rows, columns), MemorySegment.ofArray(bytes)));
    }

    /// Scales near 1.
    private void norm(String name, Random random) {
        float[] scales = new float[hiddenSize];
        for (int i = 0; i < hiddenSize; i++) {
            scales[i] = (float) (1 + 0.1 * random.nextGaussian());
        }
        byte[] bytes = RandomWeights.encode(Encoding.F32, scales);
        writer.tensor(new Tensor(name, Encoding.F32, Shape.of(hiddenSize), MemorySegment.ofArray(bytes)));
    }
}
