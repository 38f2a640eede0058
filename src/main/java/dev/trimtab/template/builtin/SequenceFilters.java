package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Comparison;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Operators;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Filters on whole sequences: their ends, order, sums and pieces.
///
/// Where Jinja gives a generator these give a list: it prints and indexes where a generator would fail,
/// and is the same to a loop.
final class SequenceFilters {
    static final Map<String, Filter> TABLE = Map.ofEntries(
            Map.entry("batch", SequenceFilters::batch),
            Map.entry("count", (rendering, input, _) -> Value.of(Sequences.length(rendering, input))),
            Map.entry("dictsort", SequenceFilters::dictSort),
            Map.entry("first", SequenceFilters::first),
            Map.entry("groupby", SequenceFilters::groupBy),
            Map.entry("items", SequenceFilters::items),
            Map.entry("join", SequenceFilters::join),
            Map.entry("last", SequenceFilters::last),
            Map.entry("length", (rendering, input, _) -> Value.of(Sequences.length(rendering, input))),
            Map.entry("list", (rendering, input, _) -> rendering.list(Sequences.values(rendering, input))),
            Map.entry("max", (rendering, input, arguments) -> extreme(rendering, input, arguments, 1)),
            Map.entry("min", (rendering, input, arguments) -> extreme(rendering, input, arguments, -1)),
            Map.entry("reverse", SequenceFilters::reverse),
            Map.entry("slice", SequenceFilters::slice),
            Map.entry("sort", SequenceFilters::sort),
            Map.entry("sum", SequenceFilters::sum),
            Map.entry("unique", SequenceFilters::unique));

    private SequenceFilters() {}

    private static Value first(Rendering rendering, Value input, Arguments arguments) {
        List<Value> values = Sequences.values(rendering, input);
        return values.isEmpty() ? Value.undefinedName("No first item, sequence was empty.") : values.getFirst();
    }

    private static Value last(Rendering rendering, Value input, Arguments arguments) {
        List<Value> values = Sequences.values(rendering, input);
        return values.isEmpty() ? Value.undefinedName("No last item, sequence was empty.") : values.getLast();
    }

    private static Value join(Rendering rendering, Value input, Arguments arguments) {
        String separator = Printer.str(rendering, arguments.get(0, "d", Value.EMPTY_TEXT));
        Optional<Value> attribute = arguments.find(1, "attribute");
        var out = new StringBuilder();
        String before = "";
        for (Value value : Sequences.values(rendering, input)) {
            Value part = attribute.isPresent() ? Access.path(rendering, value, attribute.get(), Value.NONE) : value;
            String text = Printer.str(rendering, part);
            rendering.makes((long) before.length() + text.length());
            out.append(before).append(text);
            before = separator;
        }
        return Value.of(out.toString());
    }

    private static Value items(Rendering rendering, Value input, Arguments arguments) {
        return switch (input) {
            case Value.Dict dict -> rendering.list(Sequences.pairs(rendering, dict));
            case Value.Undefined _ -> rendering.list(List.of());
            default -> throw rendering.invalid("Can only get item pairs from a mapping.");
        };
    }

    private static Value reverse(Rendering rendering, Value input, Arguments arguments) {
        if (input instanceof Value.Text text) {
            return rendering.text(new StringBuilder(text.text()).reverse().toString());
        }
        List<Value> reversed = new ArrayList<>(Sequences.values(rendering, input));
        Collections.reverse(reversed);
        return rendering.list(reversed);
    }

    private static Value sum(Rendering rendering, Value input, Arguments arguments) {
        Optional<Value> attribute = arguments.find(0, "attribute").filter(value -> !(value instanceof Value.None));
        Value sum = arguments.get(1, "start", Value.of(0));
        for (Value value : Sequences.values(rendering, input)) {
            sum = Operators.add(
                    rendering,
                    sum,
                    attribute.isPresent() ? Access.path(rendering, value, attribute.get(), Value.NONE) : value);
        }
        return sum;
    }

    private static Value sort(Rendering rendering, Value input, Arguments arguments) {
        Ordering ordering = Ordering.of(rendering, arguments, 1, 2);
        return rendering.list(ordered(ordering.sorted(input), arguments.flag(0, "reverse"), ordering));
    }

    /// A reversed sort keeps the order of equals, so that it is not the sort reversed.
    private static List<Value> ordered(List<Ordering.Keyed> sorted, boolean reverse, Ordering ordering) {
        List<Value> values = new ArrayList<>(sorted.size());
        if (!reverse) {
            sorted.forEach(keyed -> values.add(keyed.value()));
            return values;
        }
        int end = sorted.size();
        while (end > 0) {
            int start = end - 1;
            while (start > 0 && ordering.compare(sorted.get(start - 1), sorted.get(end - 1)) == 0) {
                start--;
            }
            sorted.subList(start, end).forEach(keyed -> values.add(keyed.value()));
            end = start;
        }
        return values;
    }

    private static Value dictSort(Rendering rendering, Value input, Arguments arguments) {
        if (!(input instanceof Value.Dict dict)) {
            throw rendering.invalid("dictsort expects a mapping, found " + Kinds.nameOf(input));
        }
        String by = arguments.text(rendering, 1, "by", "key");
        if (!by.equals("key") && !by.equals("value")) {
            throw rendering.invalid("You can only sort by either \"key\" or \"value\"");
        }
        Value part = Value.of(by.equals("key") ? 0L : 1L);
        var ordering = new Ordering(rendering, List.of(part), arguments.flag(0, "case_sensitive"));
        Value pairs = rendering.list(Sequences.pairs(rendering, dict));
        return rendering.list(ordered(ordering.sorted(pairs), arguments.flag(2, "reverse"), ordering));
    }

    private static Value extreme(Rendering rendering, Value input, Arguments arguments, int sign) {
        Ordering ordering = Ordering.of(rendering, arguments, 0, 1);
        List<Ordering.Keyed> values = ordering.keyed(input);
        if (values.isEmpty()) {
            return Value.undefinedName("No aggregated item, sequence was empty.");
        }
        Ordering.Keyed best = values.getFirst();
        for (Ordering.Keyed candidate : values) {
            if (ordering.compare(candidate, best) * sign > 0) {
                best = candidate;
            }
        }
        return best.value();
    }

    private static Value unique(Rendering rendering, Value input, Arguments arguments) {
        Ordering ordering = Ordering.of(rendering, arguments, 0, 1);
        Set<Value> seen = new HashSet<>();
        List<Value> seenOthers = new ArrayList<>();
        List<Value> unique = new ArrayList<>();
        for (Ordering.Keyed candidate : ordering.keyed(input)) {
            Value key = candidate.keys().getFirst();
            boolean added = Kinds.isKey(key)
                    ? seen.add(key)
                    : !Comparison.contains(rendering, rendering.list(seenOthers), key) && seenOthers.add(key);
            if (added) {
                unique.add(candidate.value());
            }
        }
        return rendering.list(unique);
    }

    private static Value groupBy(Rendering rendering, Value input, Arguments arguments) {
        Value path = arguments.require(rendering, 0, "attribute");
        Value otherwise = arguments.get(1, "default", Value.NONE);
        boolean caseSensitive = arguments.flag(2, "case_sensitive");
        var ordering = new Ordering(rendering, List.of(path), otherwise, caseSensitive);
        List<Ordering.Keyed> sorted = ordering.sorted(input);
        List<Value> groups = new ArrayList<>();
        for (int start = 0; start < sorted.size(); ) {
            int end = start;
            List<Value> members = new ArrayList<>();
            while (end < sorted.size() && ordering.compare(sorted.get(start), sorted.get(end)) == 0) {
                members.add(sorted.get(end++).value());
            }
            // A group that ignores case is called as its first member writes it.
            Value name = caseSensitive
                    ? sorted.get(start).keys().getFirst()
                    : ordering.key(sorted.get(start).value(), path);
            groups.add(rendering.tuple(List.of(name, rendering.list(members))));
            start = end;
        }
        return rendering.list(groups);
    }

    private static Value batch(Rendering rendering, Value input, Arguments arguments) {
        int size = count(rendering, arguments, "linecount");
        List<Value> values = Sequences.values(rendering, input);
        List<Value> batches = new ArrayList<>();
        for (int start = 0; start < values.size(); start += Math.min(size, values.size())) {
            List<Value> batch = new ArrayList<>(values.subList(start, Math.min(values.size(), start + size)));
            Optional<Value> fill = arguments.find(1, "fill_with").filter(value -> !(value instanceof Value.None));
            if (fill.isPresent()) {
                rendering.steps(size);
                batch.addAll(Collections.nCopies(size - batch.size(), fill.get()));
            }
            batches.add(rendering.list(batch));
        }
        return rendering.list(batches);
    }

    /// Cuts into `slices` lists of about the same size, the longer ones first.
    private static Value slice(Rendering rendering, Value input, Arguments arguments) {
        int slices = count(rendering, arguments, "slices");
        List<Value> values = Sequences.values(rendering, input);
        rendering.steps(slices);
        int size = values.size() / slices;
        int longer = values.size() % slices;
        Optional<Value> fill = arguments.find(1, "fill_with").filter(value -> !(value instanceof Value.None));
        List<Value> lists = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < slices; i++) {
            int end = start + size + (i < longer ? 1 : 0);
            List<Value> list = new ArrayList<>(values.subList(start, end));
            if (fill.isPresent() && i >= longer) {
                list.add(fill.get());
            }
            lists.add(rendering.list(list));
            start = end;
        }
        return rendering.list(lists);
    }

    private static int count(Rendering rendering, Arguments arguments, String name) {
        long count = arguments.whole(rendering, 0, name, 0);
        if (count < 1) {
            throw rendering.invalid("'" + name + "' must be at least 1, found " + count);
        }
        if (count > Rendering.RANGE_MAX) {
            throw rendering.limit("elements of a batch", Rendering.RANGE_MAX);
        }
        return (int) count;
    }
}
