package dev.trimtab.model;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncoding;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Makes a [Model] of a checkpoint: checks every tensor's shape against the hyperparameters, packs it, and lets
/// go of its pages, so that a load holds the packed weights and one source tensor. The checkpoint is not needed
/// afterwards.
public final class ModelLoader {
    /// How weights and cache are held.
    ///
    /// @param formats of the matrices, one by one
    public record Options(WeightFormats formats, ActivationPrecision precision, KvEncoding kvEncoding) {
        /// What a process serves with: weights as the checkpoint has them, those that are codes multiplied with
        /// 8-bit activations, keys and values in 16 bits.
        public static final Options SERVING =
                new Options(WeightFormats.AS_STORED, ActivationPrecision.INT8, KvEncoding.F16);

        /// Nothing is lost: what golden outputs are compared with.
        public static final Options EXACT =
                new Options(WeightFormats.AS_STORED, ActivationPrecision.FLOAT32, KvEncoding.F32);

        /// [#SERVING] with other activations.
        public static Options serving(ActivationPrecision precision) {
            return new Options(SERVING.formats, precision, SERVING.kvEncoding);
        }

        PackedFormat formatOf(Tensor tensor) {
            return formats.of(tensor.name()).orElseGet(() -> switch (precision) {
                case FLOAT32 -> PackedFormat.lossless(tensor.encoding());
                case INT8 -> PackedFormat.nearest(tensor.encoding());
            });
        }
    }

    private static final String EMBEDDING = "token_embd.weight";
    private static final String HEAD = "output.weight";
    private static final String POSITIONS = "position_embd.weight";

    private ModelLoader() {}

    /// The hyperparameters of `checkpoint` without loading a weight.
    ///
    /// @throws BadCheckpoint when they are missing or contradict each other
    public static ModelConfig configOf(Checkpoint checkpoint) {
        Tensor embedding = checkpoint.find(EMBEDDING).orElseGet(() -> checkpoint.tensor(HEAD));
        long vocabSize = embedding.shape().rows();
        if (vocabSize > Integer.MAX_VALUE / 2) {
            throw BadCheckpoint.mismatch(checkpoint.metadata().source(), "a vocabulary below 2^30", vocabSize);
        }
        return ModelConfig.of(checkpoint.metadata(), (int) vocabSize);
    }

    /// Packs the weights and allocates scratch for batches of `capacity`.
    ///
    /// @throws BadCheckpoint when a tensor is missing or has another shape than the hyperparameters say
    /// @throws Unsupported for an encoding that cannot be decoded, and for a tensor that the wiring does not
    ///     know
    public static Model load(
            Checkpoint checkpoint, Kernels kernels, Options options, Model.Capacity capacity, LoadListener listener) {
        ModelConfig config = configOf(checkpoint);
        KvLayout kvLayout = new KvLayout(options.kvEncoding(), config.headDim(), config.keyValueHeads());
        Scratch scratch = new Scratch(capacity.tokens());
        Arena arena = Arena.ofShared();
        boolean loaded = false;
        try {
            TensorReader reader = new TensorReader(checkpoint, kernels, options, listener, arena);
            LayerLoader layers = new LayerLoader(config, kernels, reader, kvLayout, scratch);
            Weights weights = weights(config, reader, layers, arena);
            reader.refuseRest();
            assert scratch.columns() == Scratch.columns(config) : "scratch is not what was planned";
            loaded = true;
            return new Model(config, weights, kernels, kvLayout, capacity);
        } finally {
            if (!loaded) {
                arena.close();
            }
        }
    }

    /// Bytes that the packed matrices of `checkpoint` will take.
    public static long packedBytes(Checkpoint checkpoint, Options options) {
        return checkpoint.tensors().values().stream()
                .filter(tensor -> tensor.shape().rank() >= 2)
                .mapToLong(tensor -> isStored(checkpoint, tensor.name(), options)
                        ? tensor.sizeBytes()
                        : packedBytes(tensor, options))
                .sum();
    }

    /// Whether `name` is a table for look-ups that stays in its own encoding.
    private static boolean isStored(Checkpoint checkpoint, String name, Options options) {
        boolean table = name.equals(POSITIONS)
                || (name.equals(EMBEDDING) && checkpoint.tensors().containsKey(HEAD));
        return table && options.formats().of(name).isEmpty();
    }

    /// Experts' matrices are packed one by one.
    private static long packedBytes(Tensor tensor, Options options) {
        long columns = tensor.shape().columns();
        long rows = tensor.shape().extents().get(tensor.shape().rank() - 2);
        long matrices = tensor.shape().rows() / rows;
        return matrices * options.formatOf(tensor).packedBytes(rows, columns);
    }

    private static Weights weights(ModelConfig config, TensorReader reader, LayerLoader layers, Arena arena) {
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < config.numHiddenLayers(); i++) {
            blocks.addAll(layers.blocks(i));
        }
        Optional<EmbeddingTable> positions = config.architecture().has(Architecture.Trait.LEARNED_POSITIONS)
                ? Optional.of(
                        reader.table(reader.tensor(POSITIONS, config.maxPositionEmbeddings(), config.hiddenSize())))
                : Optional.empty();
        // Some converters store a tied matrix as the head only.
        boolean tied = !reader.has(HEAD) || !reader.has(EMBEDDING);
        Tensor head = reader.tensor(reader.has(HEAD) ? HEAD : EMBEDDING, config.vocabSize(), config.hiddenSize());
        LinearOperator lmHead = reader.matrix(head);
        EmbeddingTable embedTokens =
                tied ? lmHead : reader.table(reader.tensor(EMBEDDING, config.vocabSize(), config.hiddenSize()));
        return new Weights(
                arena,
                embedTokens,
                positions,
                blocks,
                layers.norm("output_norm", config.hiddenSize()),
                new Affine(lmHead, reader.optionalVector("output.bias", config.vocabSize())));
    }
}
