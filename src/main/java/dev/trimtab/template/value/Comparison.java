package dev.trimtab.template.value;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/// Python's `==`, `<` and `in`.
public final class Comparison {
    private Comparison() {}

    /// Python's `is`: the very same object.
    @SuppressWarnings("ReferenceEquality")
    public static boolean same(Object left, Object right) {
        return left == right;
    }

    /// Whether two values are equal: numbers by value whatever their type, containers element by
    /// element.
    public static boolean equal(Rendering rendering, Value left, Value right) {
        rendering.step();
        if (same(left, right)) {
            return !(left instanceof Value.Real real && Double.isNaN(real.number()));
        }
        return switch (left) {
            case Value.Text text -> right instanceof Value.Text other && equal(rendering, text.text(), other.text());
            case Value.Int _, Value.Bool _, Value.Real _ -> Kinds.isNumber(right) && compareNumbers(left, right) == 0;
            case Value.None _ -> right instanceof Value.None;
            case Value.Undefined _ -> right instanceof Value.Undefined;
            case Value.Items items ->
                right instanceof Value.Items other
                        && items.shape() == other.shape()
                        && equal(rendering, items.values(), other.values());
            case Value.Dict dict -> right instanceof Value.Dict other && equal(rendering, dict, other);
            case Value.Range range -> range.equals(right);
            case Value.Function _, Value.Thing _ -> false;
        };
    }

    private static boolean equal(Rendering rendering, String left, String right) {
        if (left.length() != right.length()) {
            return false;
        }
        rendering.reads(left.length());
        return left.equals(right);
    }

    private static boolean equal(Rendering rendering, List<Value> left, List<Value> right) {
        if (left.size() != right.size()) {
            return false;
        }
        for (int i = 0; i < left.size(); i++) {
            if (!equal(rendering, left.get(i), right.get(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean equal(Rendering rendering, Value.Dict left, Value.Dict right) {
        if (left.entries().size() != right.entries().size()) {
            return false;
        }
        for (Map.Entry<Value, Value> entry : left.entries().entrySet()) {
            Value other = right.entries().get(entry.getKey());
            if (other == null || !equal(rendering, entry.getValue(), other)) {
                return false;
            }
        }
        return true;
    }

    /// Negative, zero or positive, as `left` comes before, with or after `right`; `operator` is for the
    /// message when the two have no order.
    public static int compare(Rendering rendering, Value left, Value right, String operator) {
        rendering.step();
        if (Kinds.isNumber(left) && Kinds.isNumber(right)) {
            return compareNumbers(left, right);
        }
        if (left instanceof Value.Text first && right instanceof Value.Text second) {
            rendering.reads(Math.min(first.text().length(), second.text().length()));
            return Texts.compare(first.text(), second.text());
        }
        if (left instanceof Value.Items first && right instanceof Value.Items second && isOrdered(first, second)) {
            return compare(rendering, first.values(), second.values(), operator);
        }
        if (left instanceof Value.Undefined undefined) {
            throw rendering.undefined(undefined);
        }
        if (right instanceof Value.Undefined undefined) {
            throw rendering.undefined(undefined);
        }
        throw rendering.invalid("'" + operator + "' not supported between instances of '" + Kinds.nameOf(left)
                + "' and '" + Kinds.nameOf(right) + "'");
    }

    private static boolean isOrdered(Value.Items left, Value.Items right) {
        return left.shape() == right.shape() && (left.shape() == Value.Shape.LIST || left.shape() == Value.Shape.TUPLE);
    }

    private static int compare(Rendering rendering, List<Value> left, List<Value> right, String operator) {
        for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
            if (!equal(rendering, left.get(i), right.get(i))) {
                return compare(rendering, left.get(i), right.get(i), operator);
            }
        }
        return Integer.compare(left.size(), right.size());
    }

    /// A NaN compares as larger here, where Python answers false to every question; templates have
    /// none.
    static int compareNumbers(Value left, Value right) {
        if (Kinds.isWhole(left) && Kinds.isWhole(right)) {
            return Long.compare(Kinds.whole(left), Kinds.whole(right));
        }
        double first = Kinds.real(left);
        double second = Kinds.real(right);
        if (first != second || Double.isInfinite(first)) {
            return first == second ? 0 : Double.compare(first, second);
        }
        // Equal as doubles; a long of more than 53 bits may still differ.
        return exact(left).compareTo(exact(right));
    }

    private static BigDecimal exact(Value number) {
        return Kinds.isWhole(number) ? BigDecimal.valueOf(Kinds.whole(number)) : new BigDecimal(Kinds.real(number));
    }

    /// Whether `needle in haystack`.
    public static boolean contains(Rendering rendering, Value haystack, Value needle) {
        return switch (haystack) {
            case Value.Text text -> containsText(rendering, text.text(), needle);
            case Value.Items items -> contains(rendering, items.values(), needle);
            case Value.Dict dict -> hasKey(rendering, dict, needle);
            case Value.Range range ->
                Kinds.isWhole(needle) && contains(rendering, Sequences.values(rendering, range), needle);
            case Value.Undefined _ -> false;
            case Value.None _, Value.Bool _, Value.Int _, Value.Real _, Value.Function _, Value.Thing _ ->
                throw rendering.invalid("argument of type '" + Kinds.nameOf(haystack) + "' is not iterable");
        };
    }

    private static boolean hasKey(Rendering rendering, Value.Dict dict, Value key) {
        if (key instanceof Value.Text text) {
            rendering.reads(text.text().length());
        }
        return Kinds.isKey(key) && dict.entries().containsKey(key);
    }

    private static boolean containsText(Rendering rendering, String text, Value needle) {
        if (!(needle instanceof Value.Text part)) {
            throw rendering.invalid("'in <string>' requires string as left operand, not " + Kinds.nameOf(needle));
        }
        rendering.searches(text, part.text());
        return text.contains(part.text());
    }

    private static boolean contains(Rendering rendering, List<Value> values, Value needle) {
        for (Value value : values) {
            if (equal(rendering, value, needle)) {
                return true;
            }
        }
        return false;
    }
}
