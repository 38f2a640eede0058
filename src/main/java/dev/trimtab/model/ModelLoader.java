package dev.trimtab.model;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.adapter.AdapterBase;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.EmbeddingTable;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.KvLayout;
import dev.trimtab.kernel.LinearOperator;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.adapter.AdapterSite;
import dev.trimtab.model.adapter.AdapterPacker;
import dev.trimtab.model.adapter.AdapterShelf;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
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
    public record Options(WeightFormats formats, ActivationPrecision precision, KvEncodings kv) {
        /// What a process serves with: weights as the checkpoint has them, those that are codes multiplied with
        /// 8-bit activations, keys and values in 16 bits.
        public static final Options SERVING =
                new Options(WeightFormats.AS_STORED, ActivationPrecision.INT8, KvEncodings.F16);

        /// Nothing is lost: what golden outputs are compared with.
        public static final Options EXACT =
                new Options(WeightFormats.AS_STORED, ActivationPrecision.FLOAT32, KvEncodings.F32);

        /// [#SERVING] with other activations.
        public static Options serving(ActivationPrecision precision) {
            return new Options(SERVING.formats, precision, SERVING.kv);
        }

        /// Of a tensor that no format is asked for.
        PackedFormat formatOf(Encoding encoding) {
            return switch (precision) {
                case FLOAT32 -> PackedFormat.lossless(encoding);
                case INT8 -> PackedFormat.nearest(encoding);
            };
        }

        PackedFormat formatOf(Tensor tensor) {
            return formats.of(tensor.name()).orElseGet(() -> formatOf(tensor.encoding()));
        }
    }

    /// Who packs weights, and who keeps them.
    public record Packing(Kernels kernels, TensorStore store) {
        /// For a model that shares nothing.
        public Packing(Kernels kernels) {
            this(kernels, new TensorStore());
        }
    }

    private static final String EMBEDDING = "token_embd.weight";
    private static final String HEAD = "output.weight";
    private static final String POSITIONS = "position_embd.weight";

    private ModelLoader() {}

    /// The hyperparameters of `source` without making a weight.
    ///
    /// @throws BadCheckpoint when they are missing or contradict each other
    public static ModelConfig configOf(WeightSource source) {
        Shape embedding =
                source.shapes().getOrDefault(EMBEDDING, source.shapes().get(HEAD));
        if (embedding == null) {
            throw new BadCheckpoint(source.metadata().source() + ": tensor " + HEAD + " is missing");
        }
        long vocabSize = embedding.rows();
        if (vocabSize > Integer.MAX_VALUE / 2) {
            throw BadCheckpoint.mismatch(source.metadata().source(), "a vocabulary below 2^30", vocabSize);
        }
        return ModelConfig.of(source.metadata(), (int) vocabSize);
    }

    /// Packs the weights and allocates scratch for batches of `capacity`.
    ///
    /// @throws BadCheckpoint when a tensor is missing or has another shape than the hyperparameters say
    /// @throws Unsupported for an encoding that cannot be decoded, and for a tensor that the wiring does not
    ///     know
    public static Model load(
            WeightSource source, Packing packing, Options options, Model.Capacity capacity, LoadListener listener) {
        ModelConfig config = configOf(source);
        KvLayout kvLayout = new KvLayout(options.kv(), config.headDim(), config.keyValueHeads());
        Scratch scratch = new Scratch(capacity.tokens());
        TensorReader reader = new TensorReader(source, packing, options, listener, scratch);
        boolean loaded = false;
        try {
            LayerLoader layers = new LayerLoader(config, packing.kernels(), reader, kvLayout, scratch);
            Weights weights = weights(config, reader, layers, new Scratch(capacity.logits()));
            reader.refuseRest();
            assert scratch.columns() == Scratch.columns(config) : "scratch is not what was planned";
            loaded = true;
            AdapterShelf shelf = new AdapterShelf(new AdapterPacker(
                    AdapterBase.of(source), reader.adapters().sites(), packing.kernels(), options.precision()));
            return new Model(
                    config,
                    weights,
                    packing.kernels(),
                    kvLayout,
                    capacity,
                    new Model.Adapters(reader.adapters(), shelf));
        } finally {
            if (!loaded) {
                reader.leases().forEach(TensorStore.Lease::close);
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

    /// @param outputs what the head computes in: it sees fewer tokens than the layers
    private static Weights weights(ModelConfig config, TensorReader reader, LayerLoader layers, Scratch outputs) {
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < config.numHiddenLayers(); i++) {
            blocks.addAll(layers.blocks(i));
        }
        Optional<EmbeddingTable> positions = config.architecture().has(Architecture.Trait.LEARNED_POSITIONS)
                ? Optional.of(
                        reader.table(reader.weight(POSITIONS, config.maxPositionEmbeddings(), config.hiddenSize())))
                : Optional.empty();
        // Some converters store a tied matrix as the head only.
        boolean tied = !reader.has(HEAD) || !reader.has(EMBEDDING);
        Weight head = reader.weight(reader.has(HEAD) ? HEAD : EMBEDDING, config.vocabSize(), config.hiddenSize());
        LinearOperator lmHead = reader.matrix(head, outputs);
        EmbeddingTable embedTokens =
                tied ? lmHead : reader.table(reader.weight(EMBEDDING, config.vocabSize(), config.hiddenSize()));
        return new Weights(
                reader.leases(),
                embedTokens,
                positions,
                blocks,
                layers.norm("output_norm", config.hiddenSize()),
                new Affine(
                        lmHead,
                        reader.optionalVector("output.bias", config.vocabSize()),
                        tied ? Optional.empty() : Optional.of(reader.adapters().headSite(headPart(config)))));
    }

    private static AdapterSite.Part headPart(ModelConfig config) {
        return new AdapterSite.Part(HEAD, 0, config.vocabSize(), config.hiddenSize());
    }
}
