package dev.trimtab.compress.recipe;

import java.util.List;
import java.util.Optional;

/// One entry of a recipe: these tensors, in these layers, get this.
///
/// @param <T> what a stage does
/// @param text the entry as a person finds it again: `quantize[2] {targets: [attn], layers: [0-2], scheme: int8}`
/// @param targets one of which a tensor must match; empty for all
/// @param layers in one of which it must be; empty for anywhere
public record Rule<T>(String text, List<Target> targets, List<LayerRange> layers, T action) {
    /// How precisely a rule says what it means; the last wins over those before it.
    public enum Level {
        DEFAULT("no target"),
        CLASS("class"),
        RANGE("layer range"),
        CLASS_AND_RANGE("class and layer range"),
        PATTERN("pattern"),
        NAME("exact name");

        private final String word;

        Level(String word) {
            this.word = word;
        }

        public String word() {
            return word;
        }
    }

    public Rule {
        targets = List.copyOf(targets);
        layers = List.copyOf(layers);
    }

    /// A rule for every matrix.
    static <T> Rule<T> all(String text, T action) {
        return new Rule<>(text, List.of(), List.of(), action);
    }

    /// How precisely it means `subject`, of a model with `layerCount` layers; empty where it does not.
    public Optional<Level> match(Subject subject, int layerCount) {
        boolean inLayers = layers.isEmpty()
                || (subject.layer().isPresent() && includes(subject.layer().getAsInt(), layerCount));
        if (!inLayers) {
            return Optional.empty();
        }
        return targets.isEmpty()
                ? Optional.of(layers.isEmpty() ? Level.DEFAULT : Level.RANGE)
                : targets.stream()
                        .filter(target -> target.matches(subject))
                        .map(this::level)
                        .max(Level::compareTo);
    }

    /// Whether it means layer `layer` of `layerCount`.
    public boolean includes(int layer, int layerCount) {
        return layers.isEmpty() || layers.stream().anyMatch(range -> range.contains(layer, layerCount));
    }

    /// Whether it means the matrices of `tensorClass`, all of them.
    public boolean means(TensorClass tensorClass) {
        return targets.isEmpty()
                || targets.stream().anyMatch(target -> switch (target) {
                    case Target.Everything _, Target.Multiplied _ -> true;
                    case Target.Group(TensorClass group) -> group == tensorClass;
                    case Target.Limited _, Target.Names _, Target.Exact _ -> false;
                });
    }

    private Level level(Target target) {
        return switch (target) {
            case Target.Everything _, Target.Multiplied _ -> layers.isEmpty() ? Level.DEFAULT : Level.RANGE;
            case Target.Limited limited -> level(limited.meant());
            case Target.Group(TensorClass _) -> layers.isEmpty() ? Level.CLASS : Level.CLASS_AND_RANGE;
            case Target.Names(NamePattern _) -> Level.PATTERN;
            case Target.Exact(String _) -> Level.NAME;
        };
    }
}
