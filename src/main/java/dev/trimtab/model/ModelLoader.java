package dev.trimtab.model;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.memory.MappedPages;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Makes a [Model] of a checkpoint: checks every tensor's shape against the hyperparameters, packs it, and lets
/// go of its pages, so that a load holds the packed weights and one source tensor. The checkpoint is not needed
/// afterwards.
public final class ModelLoader {
    /// How weights and cache are held.
    ///
    /// @param format of every matrix; empty takes each tensor as its encoding has it: exactly where activations
    ///     are exact too, else in the nearest format that is multiplied as it lies
    public record Options(Optional<PackedFormat> format, ActivationPrecision precision, KvEncoding kvEncoding) {
        /// What a process serves with: weights as the checkpoint has them, those that are codes multiplied with
        /// 8-bit activations, keys and values in 16 bits.
        public static final Options SERVING = new Options(Optional.empty(), ActivationPrecision.INT8, KvEncoding.F16);

        /// Nothing is lost: what golden outputs are compared with.
        public static final Options EXACT = new Options(Optional.empty(), ActivationPrecision.FLOAT32, KvEncoding.F32);

        PackedFormat formatOf(Tensor tensor) {
            return format.orElseGet(() -> switch (precision) {
                case FLOAT32 -> PackedFormat.lossless(tensor.encoding());
                case INT8 -> PackedFormat.nearest(tensor.encoding());
            });
        }
    }

    private final Checkpoint checkpoint;
    private final Kernels kernels;
    private final Options options;
    private final ModelConfig config;
    private final LoadListener listener;
    private final long totalBytes;
    private final Arena arena = Arena.ofShared();
    private long doneBytes;

    private ModelLoader(Checkpoint checkpoint, Kernels kernels, Options options, LoadListener listener) {
        this.checkpoint = checkpoint;
        this.kernels = kernels;
        this.options = options;
        this.config = configOf(checkpoint);
        this.listener = listener;
        this.totalBytes = bytes(checkpoint);
    }

    /// The hyperparameters of `checkpoint` without loading a weight.
    ///
    /// @throws BadCheckpoint when they are missing or contradict each other
    public static ModelConfig configOf(Checkpoint checkpoint) {
        Tensor embedding = checkpoint.find("token_embd.weight").orElseGet(() -> checkpoint.tensor("output.weight"));
        long vocabSize = embedding.shape().rows();
        if (vocabSize > Integer.MAX_VALUE / 2) {
            throw BadCheckpoint.mismatch(checkpoint.metadata().source(), "a vocabulary below 2^30", vocabSize);
        }
        return ModelConfig.of(checkpoint.metadata(), (int) vocabSize);
    }

    /// Packs the weights and allocates scratch for batches of `capacity`.
    ///
    /// @throws BadCheckpoint when a tensor is missing or has another shape than the hyperparameters say
    /// @throws Unsupported for an encoding that cannot be decoded
    public static Model load(
            Checkpoint checkpoint, Kernels kernels, Options options, Model.Capacity capacity, LoadListener listener) {
        ModelLoader loader = new ModelLoader(checkpoint, kernels, options, listener);
        boolean loaded = false;
        try {
            Weights weights = loader.weights();
            loaded = true;
            return new Model(loader.config, weights, kernels, options.kvEncoding(), capacity);
        } finally {
            if (!loaded) {
                loader.arena.close();
            }
        }
    }

    /// Bytes that the packed matrices of `checkpoint` will take.
    public static long packedBytes(Checkpoint checkpoint, Options options) {
        return checkpoint.tensors().values().stream()
                .filter(tensor -> tensor.shape().rank() == 2)
                .mapToLong(tensor -> options.formatOf(tensor)
                        .packedBytes(tensor.shape().rows(), tensor.shape().columns()))
                .sum();
    }

    private Weights weights() {
        List<Layer> layers = new ArrayList<>(config.numHiddenLayers());
        for (int i = 0; i < config.numHiddenLayers(); i++) {
            layers.add(layer(i));
        }
        Tensor embedding = embedding();
        LinearOperator lmHead = matrix(checkpoint.find("output.weight").orElse(embedding), config.vocabSize());
        boolean tied =
                checkpoint.find("output.weight").isEmpty() || embedding.name().equals("output.weight");
        EmbeddingTable embedTokens = tied ? lmHead : EmbeddingTable.encoded(decodable(embedding), arena);
        MappedPages.release(embedding.data());
        return new Weights(
                arena, embedTokens, layers, vector("output_norm.weight", config.hiddenSize()), lmHead, ropeFactors());
    }

    /// Some converters store a tied matrix as the head only.
    private Tensor embedding() {
        Tensor embedding = checkpoint.find("token_embd.weight").orElseGet(() -> checkpoint.tensor("output.weight"));
        return shaped(embedding, Shape.of(config.vocabSize(), config.hiddenSize()));
    }

    private Layer layer(int index) {
        String prefix = "blk." + index + ".";
        ModelConfig.Layer sizes = config.layers().get(index);
        int hiddenSize = config.hiddenSize();
        int queryRows = sizes.numAttentionHeads() * config.headDim();
        int keyRows = sizes.numKeyValueHeads() * config.headDim();
        refuseBiases(prefix);
        return new Layer(
                vector(prefix + "attn_norm.weight", hiddenSize),
                matrix(prefix + "attn_q.weight", queryRows, hiddenSize),
                matrix(prefix + "attn_k.weight", keyRows, hiddenSize),
                matrix(prefix + "attn_v.weight", keyRows, hiddenSize),
                matrix(prefix + "attn_output.weight", hiddenSize, queryRows),
                vector(prefix + "ffn_norm.weight", hiddenSize),
                matrix(prefix + "ffn_gate.weight", sizes.intermediateSize(), hiddenSize),
                matrix(prefix + "ffn_up.weight", sizes.intermediateSize(), hiddenSize),
                matrix(prefix + "ffn_down.weight", hiddenSize, sizes.intermediateSize()));
    }

    /// A weight the wiring would ignore changes the answers silently; better none than wrong ones.
    private void refuseBiases(String prefix) {
        for (String name : checkpoint.tensors().keySet()) {
            if (name.startsWith(prefix) && name.endsWith(".bias")) {
                throw new Unsupported(
                        checkpoint.metadata().source() + ": tensor " + name + ": biases are not supported");
            }
        }
    }

    private float[] ropeFactors() {
        Optional<Tensor> factors = checkpoint.find("rope_freqs.weight");
        if (factors.isPresent()) {
            return decode(shaped(factors.get(), Shape.of(config.rotaryDim() / 2)));
        }
        float[] ones = new float[config.rotaryDim() / 2];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static long bytes(Checkpoint checkpoint) {
        return checkpoint.tensors().values().stream()
                .mapToLong(Tensor::sizeBytes)
                .sum();
    }

    private LinearOperator matrix(String name, int rows, int columns) {
        return matrix(shaped(checkpoint.tensor(name), Shape.of(rows, columns)), rows);
    }

    private LinearOperator matrix(Tensor tensor, int rows) {
        shaped(tensor, Shape.of(rows, tensor.shape().columns()));
        LinearOperator packed = kernels.linear(decodable(tensor), options.formatOf(tensor), options.precision(), arena);
        MappedPages.release(tensor.data());
        doneBytes += tensor.sizeBytes();
        listener.packed(doneBytes, totalBytes);
        return packed;
    }

    private float[] vector(String name, int length) {
        return decode(shaped(checkpoint.tensor(name), Shape.of(length)));
    }

    private float[] decode(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        Tensor source = decodable(tensor);
        Dequantizer.decode(source.encoding(), source.data(), 0, values, 0, values.length);
        MappedPages.release(source.data());
        return values;
    }

    private Tensor decodable(Tensor tensor) {
        if (!Dequantizer.canDecode(tensor.encoding())) {
            throw new Unsupported(checkpoint.metadata().source() + ": tensor " + tensor.name() + ": encoding "
                    + tensor.encoding() + " is not supported");
        }
        return tensor;
    }

    private Tensor shaped(Tensor tensor, Shape expected) {
        if (!tensor.shape().equals(expected)) {
            throw BadCheckpoint.mismatch(
                    checkpoint.metadata().source() + ": tensor " + tensor.name(), expected, tensor.shape());
        }
        return tensor;
    }
}
