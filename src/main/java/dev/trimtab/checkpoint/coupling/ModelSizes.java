package dev.trimtab.checkpoint.coupling;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The sizes of a model's layers as its metadata gives them (llama.cpp's keys, `src/llama-arch.cpp`), checked.
///
/// @param architecture GGUF's name of the family
/// @param headDim elements of one attention head
public record ModelSizes(String architecture, int hiddenSize, int headDim, List<LayerSizes> layers) {
    /// Caps far above any trained model; they bound what a hostile file can make us allocate.
    private static final int HIDDEN_SIZE_MAX = 1 << 17;

    private static final int INTERMEDIATE_SIZE_MAX = 1 << 20;
    private static final int LAYERS_MAX = 1024;
    private static final int HEADS_MAX = 4096;
    private static final int HEAD_DIM_MAX = 1024;

    /// One layer. No attention heads: no attention; heads but no KV heads: attention replaced by one matrix;
    /// no intermediate size: no feed-forward.
    ///
    /// @param intermediateSize neurons of the feed-forward block, or of each of its experts
    public record LayerSizes(int numAttentionHeads, int numKeyValueHeads, int intermediateSize) {
        /// Query heads that share one KV head: what a KV group is.
        public int queriesPerGroup() {
            return numKeyValueHeads == 0 ? 0 : numAttentionHeads / numKeyValueHeads;
        }
    }

    public ModelSizes {
        layers = List.copyOf(layers);
    }

    /// Reads them.
    ///
    /// @throws BadCheckpoint when a size is missing, out of range or contradicts another
    /// @throws Unsupported when no layer attends, or values have another size than keys
    public static ModelSizes of(Metadata metadata) {
        String architecture = metadata.string("general.architecture");
        String prefix = architecture + ".";
        int hiddenSize = metadata.integer(prefix + "embedding_length", 1, HIDDEN_SIZE_MAX);
        int count = metadata.integer(prefix + "block_count", 1, LAYERS_MAX);
        List<LayerSizes> layers = layers(metadata, architecture, count);
        int heads =
                layers.stream().mapToInt(LayerSizes::numAttentionHeads).max().orElseThrow();
        String key = prefix + "attention.key_length";
        int headDim = metadata.integer(key, 1, HEAD_DIM_MAX, hiddenSize / heads);
        int valueDim = metadata.integer(prefix + "attention.value_length", 1, HEAD_DIM_MAX, headDim);
        if (valueDim != headDim) {
            throw new Unsupported(metadata.source() + ": metadata " + prefix + "attention.value_length: " + valueDim
                    + " where keys have " + headDim);
        }
        return new ModelSizes(architecture, hiddenSize, headDim, layers);
    }

    private static List<LayerSizes> layers(Metadata metadata, String architecture, int count) {
        String headsKey = architecture + ".attention.head_count";
        String kvKey = architecture + ".attention.head_count_kv";
        int[] heads = perLayer(metadata, headsKey, count, HEADS_MAX);
        int[] kvHeads = metadata.contains(kvKey) ? perLayer(metadata, kvKey, count, HEADS_MAX) : heads;
        int[] inner = perLayer(metadata, intermediateKey(metadata, architecture), count, INTERMEDIATE_SIZE_MAX);
        List<LayerSizes> layers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int keyValue = heads[i] == 0 ? 0 : kvHeads[i];
            if (keyValue > 0 && heads[i] % keyValue != 0) {
                throw BadCheckpoint.mismatch(
                        metadata.source() + ": layer " + i,
                        "attention heads that are a multiple of its " + keyValue + " KV heads",
                        heads[i]);
            }
            layers.add(new LayerSizes(heads[i], keyValue, inner[i]));
        }
        if (layers.stream().allMatch(layer -> layer.numKeyValueHeads() == 0)) {
            throw new Unsupported(metadata.source() + ": no layer has attention");
        }
        return layers;
    }

    /// The key that holds the size of a feed-forward network, experts' where there are any.
    static String intermediateKey(Metadata metadata, String architecture) {
        String experts = architecture + ".expert_feed_forward_length";
        return metadata.contains(experts) ? experts : architecture + ".feed_forward_length";
    }

    /// A scalar for all layers, at least 1; or an array with one entry each, 0 where a layer lacks the block.
    private static int[] perLayer(Metadata metadata, String key, int count, int max) {
        int[] values = new int[count];
        if (!(metadata.find(key).orElse(null) instanceof MetadataValue.Array)) {
            Arrays.fill(values, metadata.integer(key, 1, max));
            return values;
        }
        String where = metadata.source() + ": metadata " + key;
        long[] listed = metadata.integers(key);
        if (listed.length != count) {
            throw BadCheckpoint.mismatch(where, count + " entries", listed.length);
        }
        for (int i = 0; i < count; i++) {
            if (listed[i] < 0 || listed[i] > max) {
                throw BadCheckpoint.mismatch(where + "[" + i + "]", "an integer in 0.." + max, listed[i]);
            }
            values[i] = (int) listed[i];
        }
        return values;
    }
}
