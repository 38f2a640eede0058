package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Comparison;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// By what the filters that order or group compare: the values themselves or attributes of them, texts
/// without regard to case unless asked otherwise.
final class Ordering {
    private final Rendering rendering;
    private final List<Value> paths;
    private final Value otherwise;
    private final boolean caseSensitive;

    /// A value with the keys it is compared by.
    record Keyed(Value value, List<Value> keys) {}

    Ordering(Rendering rendering, List<Value> paths, boolean caseSensitive) {
        this(rendering, paths, Value.NONE, caseSensitive);
    }

    /// `otherwise` stands for a missing attribute, unless it is none.
    Ordering(Rendering rendering, List<Value> paths, Value otherwise, boolean caseSensitive) {
        this.rendering = rendering;
        this.paths = paths;
        this.otherwise = otherwise;
        this.caseSensitive = caseSensitive;
    }

    /// From the arguments `case_sensitive` and `attribute` (`'a.b,c'` compares by `a.b`, then `c`) at those
    /// positions.
    static Ordering of(Rendering rendering, Arguments arguments, int caseSensitive, int attribute) {
        Value given = arguments.get(attribute, "attribute", Value.NONE);
        List<Value> paths = new ArrayList<>();
        if (given instanceof Value.Text text) {
            for (String path : text.text().split(",", -1)) {
                paths.add(Value.of(path));
            }
        } else if (!(given instanceof Value.None)) {
            paths.add(given);
        }
        return new Ordering(rendering, paths, arguments.flag(caseSensitive, "case_sensitive"));
    }

    List<Keyed> keyed(Value input) {
        List<Keyed> keyed = new ArrayList<>();
        for (Value value : Sequences.values(rendering, input)) {
            List<Value> keys = new ArrayList<>();
            for (Value path : paths) {
                keys.add(folded(key(value, path)));
            }
            keyed.add(new Keyed(value, paths.isEmpty() ? List.of(folded(value)) : keys));
        }
        return keyed;
    }

    /// The attribute of a value that a path names, as it is written.
    Value key(Value value, Value path) {
        return Access.path(rendering, value, path, otherwise);
    }

    private Value folded(Value key) {
        return !caseSensitive && key instanceof Value.Text text
                ? rendering.text(text.text().toLowerCase(Locale.ROOT))
                : key;
    }

    List<Keyed> sorted(Value input) {
        List<Keyed> sorted = keyed(input);
        sorted.sort(this::compare);
        return sorted;
    }

    int compare(Keyed left, Keyed right) {
        for (int i = 0; i < left.keys().size(); i++) {
            Optional<Integer> order = compare(left.keys().get(i), right.keys().get(i));
            if (order.isPresent()) {
                return order.get();
            }
        }
        return 0;
    }

    private Optional<Integer> compare(Value left, Value right) {
        return Comparison.equal(rendering, left, right)
                ? Optional.empty()
                : Optional.of(Comparison.compare(rendering, left, right, "<"));
    }
}
