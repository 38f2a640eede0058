package dev.trimtab.model;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.kernel.RopePairing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The hyperparameters of a checkpoint, checked. Sizes that structured pruning may change are per layer.
///
/// @param headDim elements of one attention head
/// @param rotaryDim how many of them rotary embedding turns
public record ModelConfig(
        Architecture architecture,
        int vocabSize,
        int hiddenSize,
        List<Layer> layers,
        int headDim,
        int rotaryDim,
        double ropeTheta,
        RopePairing ropePairing,
        int maxPositionEmbeddings,
        float rmsNormEps) {
    /// Sizes of one layer.
    public record Layer(int numAttentionHeads, int numKeyValueHeads, int intermediateSize) {}

    /// Caps far above any trained model; they bound what a hostile file can make us allocate.
    private static final int HIDDEN_SIZE_MAX = 1 << 17;

    private static final int INTERMEDIATE_SIZE_MAX = 1 << 20;
    private static final int LAYERS_MAX = 1024;
    private static final int HEADS_MAX = 4096;
    private static final int HEAD_DIM_MAX = 1024;
    private static final int CONTEXT_MAX = 1 << 24;

    public ModelConfig {
        layers = List.copyOf(layers);
    }

    public int numHiddenLayers() {
        return layers.size();
    }

    /// Reads `general.architecture` and its `{arch}.*` keys; `vocabSize` is the number of rows of the
    /// embedding.
    ///
    /// @throws Unsupported for an architecture that [Architecture] does not list
    /// @throws BadCheckpoint when a size is missing, out of range or contradicts another
    public static ModelConfig of(Metadata metadata, int vocabSize) {
        String name = metadata.string("general.architecture");
        Architecture architecture = Architecture.of(name)
                .orElseThrow(() -> new Unsupported(metadata.source() + ": architecture `" + name
                        + "` is not supported; supported: " + Architecture.names()));
        int hiddenSize = metadata.integer(name + ".embedding_length", 1, HIDDEN_SIZE_MAX);
        int layerCount = metadata.integer(name + ".block_count", 1, LAYERS_MAX);
        int[] heads = perLayer(metadata, name + ".attention.head_count", layerCount, HEADS_MAX);
        int[] kvHeads = metadata.contains(name + ".attention.head_count_kv")
                ? perLayer(metadata, name + ".attention.head_count_kv", layerCount, HEADS_MAX)
                : heads;
        int[] intermediate = perLayer(metadata, name + ".feed_forward_length", layerCount, INTERMEDIATE_SIZE_MAX);
        List<Layer> layers = new ArrayList<>(layerCount);
        for (int i = 0; i < layerCount; i++) {
            if (heads[i] % kvHeads[i] != 0) {
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": layer " + i,
                        "attention heads that are a multiple of its " + kvHeads[i] + " KV heads",
                        heads[i]);
            }
            layers.add(new Layer(heads[i], kvHeads[i], intermediate[i]));
        }
        int headDim = metadata.integer(name + ".attention.key_length", 1, HEAD_DIM_MAX, hiddenSize / heads[0]);
        int rotaryDim = metadata.integer(name + ".rope.dimension_count", 2, headDim, headDim);
        if (rotaryDim % 2 != 0) {
            throw BadCheckpoint.mismatch(metadata.source() + ": rope.dimension_count", "an even number", rotaryDim);
        }
        return new ModelConfig(
                architecture,
                vocabSize,
                hiddenSize,
                layers,
                headDim,
                rotaryDim,
                metadata.number(name + ".rope.freq_base", 10_000),
                ropePairing(metadata, architecture),
                metadata.integer(name + ".context_length", 1, CONTEXT_MAX),
                (float) metadata.number(name + ".attention.layer_norm_rms_epsilon"));
    }

    /// KV heads of each layer: what a KV layout is made from.
    public List<Integer> keyValueHeads() {
        return layers.stream().map(Layer::numKeyValueHeads).toList();
    }

    /// Hugging Face's layout keeps the rows that GGUF's converters permute for some families.
    private static RopePairing ropePairing(Metadata metadata, Architecture architecture) {
        String pairing = metadata.string(Metadata.ROPE_PAIRING, "");
        return switch (pairing) {
            case "" -> architecture.ropePairing();
            case "halves" -> RopePairing.HALVES;
            case "adjacent" -> RopePairing.ADJACENT;
            default ->
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": metadata " + Metadata.ROPE_PAIRING, "halves or adjacent", pairing);
        };
    }

    /// A scalar for all layers, or an array with one entry each.
    private static int[] perLayer(Metadata metadata, String key, int layerCount, int max) {
        int[] values = new int[layerCount];
        if (!(metadata.find(key).orElse(null) instanceof MetadataValue.Array)) {
            Arrays.fill(values, metadata.integer(key, 1, max));
            return values;
        }
        long[] listed = metadata.integers(key);
        if (listed.length != layerCount) {
            throw BadCheckpoint.mismatch(
                    metadata.source() + ": metadata " + key, layerCount + " entries", listed.length);
        }
        for (int i = 0; i < layerCount; i++) {
            if (listed[i] < 1 || listed[i] > max) {
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": metadata " + key + "[" + i + "]", "an integer in 1.." + max, listed[i]);
            }
            values[i] = (int) listed[i];
        }
        return values;
    }
}
