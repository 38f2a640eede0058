package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// `map`, and the four ways to keep some elements of a sequence by a test.
final class SelectionFilters {
    static final Map<String, Filter> TABLE = Map.of(
            "map", SelectionFilters::map,
            "select", (rendering, input, arguments) -> select(rendering, input, arguments, true),
            "reject", (rendering, input, arguments) -> select(rendering, input, arguments, false),
            "selectattr", (rendering, input, arguments) -> selectAttribute(rendering, input, arguments, true),
            "rejectattr", (rendering, input, arguments) -> selectAttribute(rendering, input, arguments, false));

    private SelectionFilters() {}

    private static Value map(Rendering rendering, Value input, Arguments arguments) {
        List<Value> mapped = new ArrayList<>();
        if (!arguments.positional().isEmpty()) {
            Filter filter = Filters.named(
                    rendering, Printer.str(rendering, arguments.positional().getFirst()));
            Arguments rest = arguments.after(1);
            // A filter named here may be `map` itself, with further names: as deep as there are arguments.
            rendering.enter();
            for (Value value : elements(rendering, input)) {
                mapped.add(filter.apply(rendering, value, rest));
            }
            rendering.leave();
            return rendering.list(mapped);
        }
        Value attribute = arguments.require(rendering, 0, "attribute");
        Value otherwise = arguments.get(1, "default", Value.NONE);
        for (Value value : elements(rendering, input)) {
            mapped.add(Access.path(rendering, value, attribute, otherwise));
        }
        return rendering.list(mapped);
    }

    private static Value select(Rendering rendering, Value input, Arguments arguments, boolean wanted) {
        Predicate test = test(rendering, arguments, 0);
        Arguments rest = arguments.after(1);
        List<Value> selected = new ArrayList<>();
        for (Value value : elements(rendering, input)) {
            if (test.holds(rendering, value, rest) == wanted) {
                selected.add(value);
            }
        }
        return rendering.list(selected);
    }

    private static Value selectAttribute(Rendering rendering, Value input, Arguments arguments, boolean wanted) {
        Value attribute = arguments.require(rendering, 0, "attribute");
        Predicate test = test(rendering, arguments, 1);
        Arguments rest = arguments.after(2);
        List<Value> selected = new ArrayList<>();
        for (Value value : elements(rendering, input)) {
            if (test.holds(rendering, Access.path(rendering, value, attribute, Value.NONE), rest) == wanted) {
                selected.add(value);
            }
        }
        return rendering.list(selected);
    }

    /// Whatever is not true has no elements here, `None` included: a template may select from tools
    /// that were not given.
    private static List<Value> elements(Rendering rendering, Value input) {
        return Kinds.isTrue(input) ? Sequences.values(rendering, input) : List.of();
    }

    /// The test named by the argument at `index`; without one, the truth of the value.
    private static Predicate test(Rendering rendering, Arguments arguments, int index) {
        return index < arguments.positional().size()
                ? Predicates.named(
                        rendering, Printer.str(rendering, arguments.positional().get(index)))
                : (_, value, _) -> Kinds.isTrue(value);
    }
}
