package dev.trimtab.checkpoint.coupling;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.checkpoint.coupling.ModelSizes.LayerSizes;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.IntUnaryOperator;

/// Metadata after a removal. Sizes are a scalar where all layers agree, else an array with one entry each; an
/// array that lists something per layer loses the entries of dropped layers. What readers take from the
/// number of heads where a file leaves it out is written out, because that number no longer says it.
final class ChangedSizes {
    /// Families whose largest models scale queries by the hidden size over the number of heads, and are told
    /// by their number of layers.
    private static final Map<String, Integer> SCALED_BY_HEADS = Map.of("gemma2", 46, "gemma3", 62);

    private final Metadata metadata;
    private final ModelSizes sizes;
    private final Removal removal;
    private final LayerMoves moves;
    private final Map<String, MetadataValue> values;

    private ChangedSizes(Metadata metadata, ModelSizes sizes, Removal removal, LayerMoves moves) {
        this.metadata = metadata;
        this.sizes = sizes;
        this.removal = removal;
        this.moves = moves;
        this.values = new LinkedHashMap<>(metadata.values());
    }

    static Metadata of(Metadata metadata, ModelSizes sizes, Removal removal, LayerMoves moves) {
        if (removal.equals(Removal.nothing(sizes.layers().size()))) {
            return metadata;
        }
        ChangedSizes changed = new ChangedSizes(metadata, sizes, removal, moves);
        changed.sliceArrays();
        changed.writeOut();
        changed.resize();
        return new Metadata(metadata.source(), changed.values);
    }

    private void sliceArrays() {
        int layers = sizes.layers().size();
        for (Map.Entry<String, MetadataValue> entry : metadata.values().entrySet()) {
            boolean listsLayers = entry.getKey().startsWith(sizes.architecture() + ".")
                    && !entry.getKey().contains(".rope.")
                    && entry.getValue() instanceof MetadataValue.Array array
                    && array.length() == layers;
            if (listsLayers) {
                values.put(entry.getKey(), slice(entry.getValue()));
            }
        }
    }

    private MetadataValue slice(MetadataValue value) {
        int[] kept = moves.kept();
        return switch (value) {
            case MetadataValue.Wholes(ValueType type, long[] all) ->
                new MetadataValue.Wholes(
                        type, Arrays.stream(kept).mapToLong(i -> all[i]).toArray());
            case MetadataValue.Reals(ValueType type, double[] all) ->
                new MetadataValue.Reals(
                        type, Arrays.stream(kept).mapToDouble(i -> all[i]).toArray());
            case MetadataValue.Flags(boolean[] all) -> {
                boolean[] flags = new boolean[kept.length];
                for (int i = 0; i < kept.length; i++) {
                    flags[i] = all[kept[i]];
                }
                yield new MetadataValue.Flags(flags);
            }
            case MetadataValue.Texts(var all) ->
                new MetadataValue.Texts(Arrays.stream(kept).mapToObj(all::get).toList());
            case MetadataValue.Nested(var all) ->
                new MetadataValue.Nested(Arrays.stream(kept).mapToObj(all::get).toList());
            case MetadataValue.Text _, MetadataValue.Flag _, MetadataValue.Whole _, MetadataValue.Real _ -> value;
        };
    }

    /// Only what the file leaves out.
    private void writeOut() {
        for (String key : Set.of("attention.key_length", "attention.value_length", "rope.dimension_count")) {
            values.putIfAbsent(key(key), whole(sizes.headDim()));
        }
        Integer large = SCALED_BY_HEADS.get(sizes.architecture());
        if (large != null) {
            int heads = sizes.layers().stream()
                    .mapToInt(LayerSizes::numAttentionHeads)
                    .max()
                    .orElseThrow();
            int divisor = sizes.layers().size() == large ? sizes.hiddenSize() / heads : sizes.headDim();
            values.putIfAbsent(key("attention.scale"), new MetadataValue.Real(ValueType.FLOAT32, (float)
                    (1 / Math.sqrt(divisor))));
        }
    }

    private void resize() {
        values.put(key("block_count"), whole(moves.kept().length));
        perLayer(key("attention.head_count"), this::heads);
        perLayer(key("attention.head_count_kv"), this::groups);
        perLayer(
                ModelSizes.intermediateKey(metadata, sizes.architecture()),
                i -> removal.layers().get(i).neurons().of(sizes.layers().get(i).intermediateSize()));
        if (removal.tokens() instanceof Keep.Some some && metadata.contains(key("vocab_size"))) {
            values.put(key("vocab_size"), whole(some.of(0)));
        }
    }

    private boolean attends(int layer) {
        return sizes.layers().get(layer).numKeyValueHeads() > 0;
    }

    private int groups(int layer) {
        return removal.layers().get(layer).groups().of(sizes.layers().get(layer).numKeyValueHeads());
    }

    /// Where one matrix stands for attention, its heads are a mark only.
    private int heads(int layer) {
        LayerKeep keep = removal.layers().get(layer);
        LayerSizes layerSizes = sizes.layers().get(layer);
        if (!attends(layer)) {
            return keep.groups() instanceof Keep.None ? 0 : layerSizes.numAttentionHeads();
        }
        return groups(layer) * layerSizes.queriesPerGroup();
    }

    private void perLayer(String key, IntUnaryOperator sizeOfLayer) {
        long[] listed =
                Arrays.stream(moves.kept()).map(sizeOfLayer).asLongStream().toArray();
        boolean isUniform = listed[0] > 0 && Arrays.stream(listed).distinct().count() == 1;
        values.put(key, isUniform ? whole(listed[0]) : new MetadataValue.Wholes(ValueType.INT32, listed));
    }

    private String key(String name) {
        return sizes.architecture() + "." + name;
    }

    private static MetadataValue whole(long value) {
        return new MetadataValue.Whole(ValueType.UINT32, value);
    }
}
