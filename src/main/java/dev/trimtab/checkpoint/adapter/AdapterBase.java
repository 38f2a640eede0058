package dev.trimtab.checkpoint.adapter;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.Map;

/// What an adapter must know of the model it is for: enough to say whether it fits, and to give it the base's
/// order of rows. Outlives the checkpoint.
///
/// @param source names the model in messages
/// @param headRows the order of q's and k's rows
/// @param headDim rows of one head
/// @param shapes of the weights by canonical name
public record AdapterBase(
        String source, String architecture, HeadRows headRows, int headDim, Map<String, Shape> shapes) {
    private static final String EMBEDDING = "token_embd.weight";
    private static final String HEAD = "output.weight";

    public AdapterBase {
        shapes = Map.copyOf(shapes);
    }

    /// As `weights` are.
    public static AdapterBase of(WeightSource weights) {
        Metadata metadata = weights.metadata();
        String architecture = metadata.string("general.architecture");
        String prefix = architecture + ".";
        int heads = heads(metadata, prefix + "attention.head_count");
        int hiddenSize = metadata.integer(prefix + "embedding_length", 1, Integer.MAX_VALUE, 1);
        int headDim = metadata.integer(
                prefix + "attention.key_length", 1, Integer.MAX_VALUE, Math.max(1, hiddenSize / heads));
        return new AdapterBase(metadata.source(), architecture, HeadRows.of(metadata), headDim, weights.shapes());
    }

    // Pruned models give one number a layer, and the head's size itself.
    private static int heads(Metadata metadata, String key) {
        return metadata.find(key).orElse(null) instanceof MetadataValue.Whole
                ? metadata.integer(key, 1, Integer.MAX_VALUE)
                : 1;
    }

    /// The targets of `adapter`, each checked against the weight it is for and in this base's order of rows.
    ///
    /// @throws BadCheckpoint when it was made for another model; the message names both
    /// @throws Unsupported for an adapter of the embedding, or of a head that is the embedding
    public Map<String, LoraTarget> fit(LoraAdapter adapter) {
        adapter.architecture().filter(found -> !found.equals(architecture)).ifPresent(found -> {
            throw BadCheckpoint.mismatch(
                    "adapter " + adapter.source() + ": its base", architecture + " as " + source + " is", found);
        });
        Map<String, LoraTarget> fitted = new LinkedHashMap<>();
        adapter.targets().values().forEach(target -> fitted.put(target.name(), fit(adapter, target)));
        return fitted;
    }

    private LoraTarget fit(LoraAdapter adapter, LoraTarget target) {
        String where = "adapter " + adapter.source() + ": tensor " + target.name();
        refuseEmbedding(where, target.name());
        Shape shape = shapes.get(target.name());
        if (shape == null) {
            throw new BadCheckpoint(where + ": there is none in " + source + " (" + architecture + ")");
        }
        if (!shape.equals(target.shape())) {
            String vocabulary = target.name().equals(HEAD) ? ", of another vocabulary" : "";
            throw BadCheckpoint.mismatch(
                    where, shape + " as in " + source + " (" + architecture + ")", target.shape() + vocabulary);
        }
        if (adapter.headRows() == headRows || !HeadRows.isIn(target.name())) {
            return target;
        }
        if (shape.rows() % headDim != 0 || headDim % 2 != 0) {
            throw BadCheckpoint.mismatch(where, "whole heads of " + headDim + " rows", shape);
        }
        return new LoraTarget(
                target.name(), target.a(), adapter.headRows().reordered(target.b(), headRows, headDim), target.scale());
    }

    private void refuseEmbedding(String where, String name) {
        if (name.equals(EMBEDDING)) {
            throw new Unsupported(where + ": adapters of the embedding are not supported");
        }
        boolean tied = !shapes.containsKey(EMBEDDING) || !shapes.containsKey(HEAD);
        if (name.equals(HEAD) && tied) {
            throw new Unsupported(where + ": the head of " + source
                    + " is its embedding, which an adapter of the head would change too");
        }
    }
}
