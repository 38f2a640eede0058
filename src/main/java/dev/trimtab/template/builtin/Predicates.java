package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Comparison;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Operators;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;
import java.util.Map;
import java.util.Set;

/// All tests by name.
public final class Predicates {
    private static final Map<String, Predicate> TABLE = Map.ofEntries(
            // What a value is.
            Map.entry("defined", (_, input, _) -> !(input instanceof Value.Undefined)),
            Map.entry("undefined", (_, input, _) -> input instanceof Value.Undefined),
            Map.entry("none", (_, input, _) -> input instanceof Value.None),
            Map.entry("boolean", (_, input, _) -> input instanceof Value.Bool),
            Map.entry("true", (_, input, _) -> input instanceof Value.Bool bool && bool.truth()),
            Map.entry("false", (_, input, _) -> input instanceof Value.Bool bool && !bool.truth()),
            Map.entry("integer", (_, input, _) -> input instanceof Value.Int),
            Map.entry("float", (_, input, _) -> input instanceof Value.Real),
            Map.entry("number", (_, input, _) -> Kinds.isNumber(input)),
            Map.entry("string", (_, input, _) -> input instanceof Value.Text),
            Map.entry("mapping", (_, input, _) -> input instanceof Value.Dict),
            Map.entry("sequence", (_, input, _) -> isSequence(input)),
            Map.entry("iterable", (_, input, _) -> isIterable(input)),
            Map.entry("callable", (_, input, _) -> isCallable(input)),
            Map.entry("escaped", (_, _, _) -> false),
            Map.entry("lower", (rendering, input, _) -> CaseChange.isLower(text(rendering, input))),
            Map.entry("upper", (rendering, input, _) -> CaseChange.isUpper(text(rendering, input))),
            Map.entry("odd", (rendering, input, _) -> remainder(rendering, input, Value.of(2)) == 1),
            Map.entry("even", (rendering, input, _) -> remainder(rendering, input, Value.of(2)) == 0),
            Map.entry(
                    "divisibleby",
                    (rendering, input, arguments) ->
                            remainder(rendering, input, arguments.require(rendering, 0, "num")) == 0),
            // How it compares with another.
            Map.entry("eq", Predicates::equal),
            Map.entry("==", Predicates::equal),
            Map.entry("equalto", Predicates::equal),
            Map.entry("ne", (rendering, input, arguments) -> !equal(rendering, input, arguments)),
            Map.entry("!=", (rendering, input, arguments) -> !equal(rendering, input, arguments)),
            Map.entry("gt", (rendering, input, arguments) -> compare(rendering, input, arguments, ">") > 0),
            Map.entry(">", (rendering, input, arguments) -> compare(rendering, input, arguments, ">") > 0),
            Map.entry("greaterthan", (rendering, input, arguments) -> compare(rendering, input, arguments, ">") > 0),
            Map.entry("ge", (rendering, input, arguments) -> compare(rendering, input, arguments, ">=") >= 0),
            Map.entry(">=", (rendering, input, arguments) -> compare(rendering, input, arguments, ">=") >= 0),
            Map.entry("lt", (rendering, input, arguments) -> compare(rendering, input, arguments, "<") < 0),
            Map.entry("<", (rendering, input, arguments) -> compare(rendering, input, arguments, "<") < 0),
            Map.entry("lessthan", (rendering, input, arguments) -> compare(rendering, input, arguments, "<") < 0),
            Map.entry("le", (rendering, input, arguments) -> compare(rendering, input, arguments, "<=") <= 0),
            Map.entry("<=", (rendering, input, arguments) -> compare(rendering, input, arguments, "<=") <= 0),
            Map.entry("sameas", (rendering, input, arguments) -> same(input, other(rendering, arguments))),
            Map.entry(
                    "in",
                    (rendering, input, arguments) ->
                            Comparison.contains(rendering, other(rendering, arguments), input)),
            // Whether a name exists.
            Map.entry(
                    "filter",
                    (_, input, _) ->
                            input instanceof Value.Text name && Filters.names().contains(name.text())),
            Map.entry("test", (_, input, _) -> input instanceof Value.Text name && isTest(name.text())));

    private Predicates() {}

    public static Set<String> names() {
        return TABLE.keySet();
    }

    private static boolean isTest(String name) {
        return TABLE.containsKey(name);
    }

    /// The test of that name; refuses the template when there is none.
    public static Predicate named(Rendering rendering, String name) {
        Predicate predicate = TABLE.get(name);
        if (predicate == null) {
            throw rendering.broken("no test named '" + name + "'");
        }
        return predicate;
    }

    private static String text(Rendering rendering, Value input) {
        String text = Printer.str(rendering, input);
        rendering.reads(text.length());
        return text;
    }

    private static Value other(Rendering rendering, Arguments arguments) {
        return arguments.require(rendering, 0, "other");
    }

    private static boolean equal(Rendering rendering, Value input, Arguments arguments) {
        return Comparison.equal(rendering, input, other(rendering, arguments));
    }

    private static int compare(Rendering rendering, Value input, Arguments arguments, String operator) {
        return Comparison.compare(rendering, input, other(rendering, arguments), operator);
    }

    private static boolean same(Value left, Value right) {
        return switch (left) {
            case Value.None _ -> right instanceof Value.None;
            case Value.Bool _, Value.Int _, Value.Text _ -> left.getClass() == right.getClass() && left.equals(right);
            default -> Comparison.same(left, right);
        };
    }

    private static double remainder(Rendering rendering, Value input, Value divisor) {
        if (input instanceof Value.Text) {
            throw rendering.invalid("expected a number, found a string");
        }
        return Kinds.real(Operators.remainder(rendering, input, divisor));
    }

    private static boolean isSequence(Value value) {
        return switch (value) {
            case Value.Text _, Value.Dict _, Value.Range _, Value.Undefined _ -> true;
            case Value.Items items -> items.shape() == Value.Shape.LIST || items.shape() == Value.Shape.TUPLE;
            case Value.None _, Value.Bool _, Value.Int _, Value.Real _, Value.Function _, Value.Thing _ -> false;
        };
    }

    private static boolean isIterable(Value value) {
        return switch (value) {
            case Value.Text _, Value.Dict _, Value.Range _, Value.Undefined _, Value.Items _ -> true;
            case Value.None _, Value.Bool _, Value.Int _, Value.Real _, Value.Function _, Value.Thing _ -> false;
        };
    }

    /// An undefined value has a `__call__`, which fails.
    private static boolean isCallable(Value value) {
        return value instanceof Value.Function
                || value instanceof Value.Undefined
                || (value instanceof Value.Thing thing && thing.body().isPresent());
    }
}
