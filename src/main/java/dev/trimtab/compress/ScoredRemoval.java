package dev.trimtab.compress;

import dev.trimtab.checkpoint.WeightSource;
import dev.trimtab.checkpoint.coupling.Keep;
import dev.trimtab.checkpoint.coupling.ModelSizes;
import dev.trimtab.checkpoint.coupling.ModelSizes.LayerSizes;
import dev.trimtab.checkpoint.coupling.Removal;
import dev.trimtab.checkpoint.coupling.Removal.LayerKeep;
import dev.trimtab.checkpoint.vocabulary.KeptTokens;
import dev.trimtab.compress.calibration.CalibrationSource;
import dev.trimtab.compress.calibration.TokenUse;
import dev.trimtab.compress.matrix.Matrix;
import dev.trimtab.compress.prune.BlockInfluence;
import dev.trimtab.compress.prune.Candidates;
import dev.trimtab.compress.prune.GroupScores;
import dev.trimtab.compress.prune.Selection;
import dev.trimtab.compress.prune.VocabularyRows;
import dev.trimtab.compress.recipe.Rule;
import dev.trimtab.compress.recipe.Stages.Extras;
import dev.trimtab.compress.recipe.Stages.LayerDrop;
import dev.trimtab.compress.recipe.Stages.LayerPart;
import dev.trimtab.compress.recipe.Stages.Structured;
import dev.trimtab.compress.recipe.Stages.Unit;
import dev.trimtab.compress.recipe.Stages.Vocabulary;
import dev.trimtab.error.Unsupported;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Decides which layers, KV groups, neurons and tokens go, by the scores that a recipe's entries ask for. Entries are
/// carried out in their order, layers first; of what an earlier one decided a later one takes nothing more.
final class ScoredRemoval {
    /// The share of a vector's root mean square under which an element counts as silent: for SiLU and GELU,
    /// which are never 0 (research has 0.02 to 0.1).
    private static final float SILENT = 0.05f;

    private final Extras extras;
    private final WeightSource checkpoint;
    private final Supplier<CalibrationSource> calibration;
    private final Function<Vocabulary, TokenUse> tokens;
    private final ModelSizes sizes;
    private Removal removal;

    ScoredRemoval(Extras extras, WeightSource checkpoint, Compression.Resources resources) {
        this.extras = extras;
        this.checkpoint = checkpoint;
        this.calibration = resources.calibration();
        this.tokens = resources.tokens();
        this.sizes = ModelSizes.of(checkpoint.metadata());
        this.removal = Removal.nothing(sizes.layers().size());
    }

    Removal decide() {
        extras.layerDrops().forEach(this::drop);
        extras.structured().forEach(this::prune);
        extras.vocabulary().ifPresent(this::prune);
        return removal;
    }

    private void prune(Vocabulary asked) {
        KeptTokens kept = VocabularyRows.kept(tokens.apply(asked), asked.limit(), PredictedRemoval.rows(checkpoint));
        removal = removal.withTokens(Keep.some(kept.ids()));
    }

    private void drop(Rule<LayerDrop> rule) {
        int count = sizes.layers().size();
        LayerPart part = rule.action().part();
        int[] candidates = IntStream.range(0, count)
                .filter(layer ->
                        rule.includes(layer, count) && has(sizes.layers().get(layer), part))
                .toArray();
        int[] dropped = candidates;
        if (rule.action().count().isPresent()) {
            int[] kept = BlockInfluence.kept(
                    calibration.get(),
                    candidates,
                    BlockInfluence.Part.valueOf(part.name()),
                    rule.action().count().getAsInt());
            dropped = BlockInfluence.dropped(candidates, kept);
        }
        for (int layer : dropped) {
            removal = removal.with(
                    layer, PredictedRemoval.without(removal.layers().get(layer), part));
        }
    }

    private static boolean has(LayerSizes layer, LayerPart part) {
        return switch (part) {
            case LAYER -> true;
            case ATTENTION -> layer.numKeyValueHeads() > 0;
            case FEED_FORWARD -> layer.intermediateSize() > 0;
        };
    }

    /// One block's units and what decides about them.
    private record Block(int layer, Unit unit, Candidates candidates) {}

    private void prune(Rule<Structured> rule) {
        int count = sizes.layers().size();
        List<Block> blocks = IntStream.range(0, count)
                .filter(layer -> rule.includes(layer, count))
                .boxed()
                .flatMap(layer -> rule.action().units().stream()
                        .filter(unit -> isWhole(layer, unit))
                        .map(unit -> Map.entry(layer, unit)))
                .toList()
                .parallelStream()
                .map(place -> new Block(
                        place.getKey(), place.getValue(), candidates(rule.action(), place.getKey(), place.getValue())))
                .toList();
        List<Candidates> candidates = blocks.stream().map(Block::candidates).toList();
        double ratio = rule.action().ratio();
        List<int[]> kept =
                rule.action().global() ? Selection.global(candidates, ratio) : Selection.uniform(candidates, ratio);
        for (int i = 0; i < blocks.size(); i++) {
            Block block = blocks.get(i);
            LayerKeep keep = removal.layers().get(block.layer());
            Keep some = Keep.some(kept.get(i));
            removal = removal.with(
                    block.layer(),
                    switch (block.unit()) {
                        case KV_GROUP -> new LayerKeep(some, keep.neurons());
                        case NEURON -> new LayerKeep(keep.groups(), some);
                    });
        }
    }

    private boolean isWhole(int layer, Unit unit) {
        LayerKeep keep = removal.layers().get(layer);
        return switch (unit) {
            case KV_GROUP ->
                keep.groups() instanceof Keep.All && sizes.layers().get(layer).numKeyValueHeads() > 0;
            case NEURON ->
                keep.neurons() instanceof Keep.All && sizes.layers().get(layer).intermediateSize() > 0;
        };
    }

    private Candidates candidates(Structured asked, int layer, Unit unit) {
        LayerSizes layerSizes = sizes.layers().get(layer);
        String prefix = "blk." + layer + ".";
        return switch (unit) {
            case KV_GROUP -> {
                int groups = layerSizes.numKeyValueHeads();
                long cost = 2L * (layerSizes.queriesPerGroup() + 1) * sizes.headDim() * sizes.hiddenSize();
                yield new Candidates(
                        "attention of layer " + layer,
                        scores(asked, layer, prefix + "attn_output.weight", groups, sizes.headDim()),
                        cost,
                        1);
            }
            case NEURON -> {
                int neurons = layerSizes.intermediateSize();
                long cost = 3L * sizes.hiddenSize();
                yield new Candidates(
                        "feed-forward block of layer " + layer,
                        scores(asked, layer, prefix + "ffn_down.weight", neurons, 1),
                        cost,
                        Math.min(asked.align(), neurons));
            }
        };
    }

    private double[] scores(Structured asked, int layer, String last, int groups, int headDim) {
        if (!checkpoint.shapes().containsKey(last)) {
            throw new Unsupported("prune: layer " + layer + " has no " + last + ": units of experts have no scores");
        }
        return switch (asked.method()) {
            case FLAP ->
                GroupScores.flap(matrix(last), calibration.get().inputs(last).statistics(), groups, headDim);
            case MAGNITUDE -> GroupScores.magnitude(matrix(last), others(layer, headDim > 1), groups);
            case APOZ -> GroupScores.activity(calibration.get().nearZero(last, SILENT), groups);
            case RANDOM -> GroupScores.random(groups, extras.seed() + 31L * layer + headDim);
        };
    }

    /// What goes beside the last matrix; a fused tensor's rows are not told apart, so it counts for nothing.
    private List<Matrix> others(int layer, boolean attention) {
        Stream<String> names = attention ? Stream.of("attn_q", "attn_k", "attn_v") : Stream.of("ffn_gate", "ffn_up");
        int inner = sizes.layers().get(layer).intermediateSize();
        return names.map(name -> "blk." + layer + "." + name + ".weight")
                .filter(checkpoint.shapes()::containsKey)
                .filter(name -> attention
                        || Objects.requireNonNull(checkpoint.shapes().get(name)).rows() == inner)
                .map(this::matrix)
                .toList();
    }

    private Matrix matrix(String name) {
        return Matrix.of(name, checkpoint.form(name));
    }
}
