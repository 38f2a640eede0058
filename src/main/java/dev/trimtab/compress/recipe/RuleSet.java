package dev.trimtab.compress.recipe;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// The entries of one stage, of which at most one decides about a tensor: the one that means it most precisely.
///
/// @param <T> what the stage does
/// @param defaults count only for what none of `rules` means
public record RuleSet<T>(List<Rule<T>> rules, List<Rule<T>> defaults, Order order) {
    /// Which of several entries wins that say equally precisely what they mean.
    public enum Order {
        /// The later, as in mistral.rs.
        LAST,
        /// The earlier, as in llama-quantize and mlx.
        FIRST
    }

    /// @param level by which it won
    public record Winner<T>(Rule<T> rule, Rule.Level level) {}

    public RuleSet {
        rules = List.copyOf(rules);
        defaults = List.copyOf(defaults);
    }

    static <T> RuleSet<T> none() {
        return new RuleSet<>(List.of(), List.of(), Order.LAST);
    }

    /// Every rule, in the order written, the defaults last.
    public List<Rule<T>> all() {
        return Stream.concat(rules.stream(), defaults.stream()).toList();
    }

    /// The rule that decides about `subject`, in a model with `layerCount` layers; empty where none means it.
    public Optional<Winner<T>> winner(Subject subject, int layerCount) {
        return winner(rules, subject, layerCount).or(() -> winner(defaults, subject, layerCount));
    }

    private Optional<Winner<T>> winner(List<Rule<T>> candidates, Subject subject, int layerCount) {
        Optional<Winner<T>> best = Optional.empty();
        for (Rule<T> rule : candidates) {
            Optional<Rule.Level> level = rule.match(subject, layerCount);
            if (level.isPresent()
                    && (best.isEmpty() || beats(level.get(), best.get().level()))) {
                best = Optional.of(new Winner<>(rule, level.get()));
            }
        }
        return best;
    }

    private boolean beats(Rule.Level level, Rule.Level earlier) {
        int difference = level.compareTo(earlier);
        return difference > 0 || (difference == 0 && order == Order.LAST);
    }
}
