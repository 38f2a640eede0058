package dev.trimtab.compress;

import java.util.List;
import java.util.Optional;

/// One entry of a recipe: these tensors, in these layers, are held so.
///
/// @param text the entry as a person finds it again: `quantize[2] {targets: [attn], layers: [0-2], scheme: int8}`
/// @param targets one of which a tensor must match; empty for all
/// @param layers in one of which it must be; empty for anywhere
record Rule(String text, List<Target> targets, List<LayerRange> layers, Scheme scheme) {
    /// How precisely a rule says what it means; the last wins over those before it.
    enum Level {
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

        String word() {
            return word;
        }
    }

    Rule {
        targets = List.copyOf(targets);
        layers = List.copyOf(layers);
    }

    /// A rule for every matrix.
    static Rule all(String text, Scheme scheme) {
        return new Rule(text, List.of(), List.of(), scheme);
    }

    /// How precisely it means `subject`, of a model with `layerCount` layers; empty where it does not.
    Optional<Level> match(Subject subject, int layerCount) {
        boolean inLayers = layers.isEmpty()
                || (subject.layer().isPresent()
                        && layers.stream()
                                .anyMatch(
                                        range -> range.contains(subject.layer().getAsInt(), layerCount)));
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

    private Level level(Target target) {
        return switch (target) {
            case Target.Everything() -> layers.isEmpty() ? Level.DEFAULT : Level.RANGE;
            case Target.Group(TensorClass _) -> layers.isEmpty() ? Level.CLASS : Level.CLASS_AND_RANGE;
            case Target.Names(NamePattern _) -> Level.PATTERN;
            case Target.Exact(String _) -> Level.NAME;
        };
    }
}
