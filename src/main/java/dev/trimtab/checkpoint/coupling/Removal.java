package dev.trimtab.checkpoint.coupling;

import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/// What is to be removed from a model, by the layers of the checkpoint. A layer of which no block stays is
/// dropped, and those behind it move up.
///
/// @param layers one for each layer of the checkpoint
/// @param tokens rows of the embedding and of the head
public record Removal(List<LayerKeep> layers, Keep tokens) {
    /// What stays of one layer.
    ///
    /// @param groups KV groups: a key and a value head with the query heads that share them
    /// @param neurons inner elements of the feed-forward block
    public record LayerKeep(Keep groups, Keep neurons) {
        public static final LayerKeep ALL = new LayerKeep(Keep.all(), Keep.all());
        public static final LayerKeep NONE = new LayerKeep(Keep.none(), Keep.none());

        boolean isDropped() {
            return equals(NONE);
        }
    }

    public Removal {
        layers = List.copyOf(layers);
    }

    /// Nothing goes of a model of `layers` layers.
    public static Removal nothing(int layers) {
        return new Removal(Collections.nCopies(layers, LayerKeep.ALL), Keep.all());
    }

    /// The same with `keep` for the layer `layer`.
    public Removal with(int layer, LayerKeep keep) {
        List<LayerKeep> changed = new ArrayList<>(layers);
        changed.set(layer, keep);
        return new Removal(changed, tokens);
    }

    /// The same with `keep` of the rows of the embedding and of the head.
    public Removal withTokens(Keep keep) {
        return new Removal(layers, keep);
    }

    /// The tokens that stay, where some go.
    public Optional<KeptTokens> keptTokens() {
        return switch (tokens) {
            case Keep.Some(List<int[]> kept) -> Optional.of(new KeptTokens(kept.getFirst()));
            case Keep.All _, Keep.None _ -> Optional.empty();
        };
    }

    /// The layers that stay, ascending.
    public int[] keptLayers() {
        List<Integer> kept = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            if (!layers.get(i).isDropped()) {
                kept.add(i);
            }
        }
        return kept.stream().mapToInt(Integer::intValue).toArray();
    }
}
