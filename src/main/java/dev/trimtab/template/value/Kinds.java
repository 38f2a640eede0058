package dev.trimtab.template.value;

import org.jspecify.annotations.Nullable;

/// Questions about a value's kind that Python answers for every kind: its type's name, its truth.
public final class Kinds {
    private Kinds() {}

    /// Python's name of the value's type, for messages.
    public static String nameOf(Value value) {
        return switch (value) {
            case Value.None _ -> "NoneType";
            case Value.Undefined _ -> "Undefined";
            case Value.Bool _ -> "bool";
            case Value.Int _ -> "int";
            case Value.Real _ -> "float";
            case Value.Text _ -> "str";
            case Value.Items items ->
                switch (items.shape()) {
                    case LIST -> "list";
                    case TUPLE -> "tuple";
                    case KEYS_VIEW -> "dict_keys";
                    case VALUES_VIEW -> "dict_values";
                    case ITEMS_VIEW -> "dict_items";
                };
            case Value.Dict _ -> "dict";
            case Value.Range _ -> "range";
            case Value.Function _ -> "function";
            case Value.Thing thing -> thing.getClass().getSimpleName();
        };
    }

    /// Whether `{% if value %}` is taken.
    public static boolean isTrue(Value value) {
        return switch (value) {
            case Value.None _, Value.Undefined _ -> false;
            case Value.Bool bool -> bool.truth();
            case Value.Int whole -> whole.number() != 0;
            case Value.Real real -> real.number() != 0;
            case Value.Text text -> !text.text().isEmpty();
            case Value.Items items -> !items.values().isEmpty();
            case Value.Dict dict -> !dict.entries().isEmpty();
            case Value.Range range -> range.size() > 0;
            case Value.Function _, Value.Thing _ -> true;
        };
    }

    /// Whether the value may be the key of a dict. Python takes tuples too; no template has been seen
    /// to.
    public static boolean isKey(Value value) {
        return value instanceof Value.Text || value instanceof Value.None || isNumber(value);
    }

    /// Whether the value is an `int`, a `float` or, as in Python, a `bool`.
    public static boolean isNumber(Value value) {
        return value instanceof Value.Int || value instanceof Value.Real || value instanceof Value.Bool;
    }

    /// Whether a number is the same key of a dict as something else: it is when their values are equal.
    static boolean isSameKey(Value number, @Nullable Object other) {
        return other instanceof Value value && isNumber(value) && Comparison.compareNumbers(number, value) == 0;
    }

    static int keyHash(Value number) {
        if (isWhole(number)) {
            return Long.hashCode(whole(number));
        }
        double real = real(number);
        return real == Math.rint(real) ? Long.hashCode((long) real) : Double.hashCode(real);
    }

    /// The value as an integer where Python would take it for one (`True` is 1).
    public static boolean isWhole(Value value) {
        return value instanceof Value.Int || value instanceof Value.Bool;
    }

    /// The integer behind a value for which [#isWhole(Value)] holds.
    public static long whole(Value value) {
        return value instanceof Value.Bool bool ? (bool.truth() ? 1 : 0) : ((Value.Int) value).number();
    }

    /// The number behind a value for which [#isNumber(Value)] holds, as a double.
    public static double real(Value value) {
        return value instanceof Value.Real real ? real.number() : (double) whole(value);
    }
}
