package dev.trimtab.compress;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.coupling.Keep;
import dev.trimtab.checkpoint.coupling.ModelSizes;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.compress.recipe.Rule;
import dev.trimtab.compress.recipe.Stages.Extras;
import dev.trimtab.compress.recipe.Stages.LayerDrop;
import dev.trimtab.compress.recipe.Stages.LayerPart;
import dev.trimtab.compress.recipe.Stages.Structured;
import dev.trimtab.compress.recipe.Stages.Unit;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Shape;
import java.util.stream.IntStream;

/// How much structured pruning will leave, before a score says what: sizes are right, for global thresholds on
/// the average, but which units stay is not known. Of a vocabulary that is to cover a corpus all rows count. It is for
/// plans, which read no weight.
final class PredictedRemoval {
    private static final String EMBEDDING = "token_embd.weight";

    private PredictedRemoval() {}

    /// Whether `extras` remove anything as a whole.
    static boolean isAsked(Extras extras) {
        return !extras.structured().isEmpty()
                || !extras.layerDrops().isEmpty()
                || extras.vocabulary().isPresent();
    }

    static Removal of(Extras extras, Checkpoint checkpoint) {
        ModelSizes sizes = ModelSizes.of(checkpoint.metadata());
        int count = sizes.layers().size();
        Removal removal = Removal.nothing(count);
        for (Rule<LayerDrop> rule : extras.layerDrops()) {
            removal = dropped(rule, removal, count);
        }
        for (Rule<Structured> rule : extras.structured()) {
            for (int layer = 0; layer < count; layer++) {
                if (rule.includes(layer, count)) {
                    removal =
                            pruned(rule.action(), removal, layer, sizes.layers().get(layer));
                }
            }
        }
        return extras.vocabulary().isPresent()
                ? removal.withTokens(first(extras.vocabulary().get().limit().most(rows(checkpoint))))
                : removal;
    }

    /// Tokens that the embedding has rows for.
    static int rows(WeightSource source) {
        Shape embedding = source.shapes().get(EMBEDDING);
        if (embedding == null) {
            throw new Unsupported(source.metadata().source() + ": prune: vocab needs a tensor " + EMBEDDING);
        }
        return Math.toIntExact(embedding.rows());
    }

    /// Where influence decides, the middle ones, which have least of it in trained models.
    private static Removal dropped(Rule<LayerDrop> rule, Removal removal, int count) {
        int asked = rule.action().count().orElse(0);
        int[] layers = asked == 0
                ? IntStream.range(0, count)
                        .filter(layer -> rule.includes(layer, count))
                        .toArray()
                : IntStream.range(0, Math.min(asked, count - 1))
                        .map(i -> (count - asked) / 2 + i)
                        .toArray();
        Removal left = removal;
        for (int layer : layers) {
            left = left.with(
                    layer, without(left.layers().get(layer), rule.action().part()));
        }
        return left;
    }

    static LayerKeep without(LayerKeep keep, LayerPart part) {
        return switch (part) {
            case LAYER -> LayerKeep.NONE;
            case ATTENTION -> new LayerKeep(Keep.none(), keep.neurons());
            case FEED_FORWARD -> new LayerKeep(keep.groups(), Keep.none());
        };
    }

    private static Removal pruned(Structured asked, Removal removal, int layer, ModelSizes.LayerSizes sizes) {
        LayerKeep keep = removal.layers().get(layer);
        Keep groups = keep.groups();
        Keep neurons = keep.neurons();
        if (asked.units().contains(Unit.KV_GROUP) && groups instanceof Keep.All && sizes.numKeyValueHeads() > 0) {
            groups = first(kept(sizes.numKeyValueHeads(), asked.ratio(), 1));
        }
        if (asked.units().contains(Unit.NEURON) && neurons instanceof Keep.All && sizes.intermediateSize() > 0) {
            neurons = first(kept(sizes.intermediateSize(), asked.ratio(), asked.align()));
        }
        return removal.with(layer, new LayerKeep(groups, neurons));
    }

    /// How many of `count` units stay when the share `ratio` is to go, in multiples of `align`, at least one.
    static int kept(int count, double ratio, int align) {
        long kept = Math.round(count * (1 - ratio) / align) * align;
        return Math.clamp(kept, Math.min(count, align), count);
    }

    private static Keep first(int count) {
        return Keep.some(IntStream.range(0, count).toArray());
    }
}
