package dev.trimtab.template.value;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What a `for` loop, a filter or an unpacking sees of a value.
public final class Sequences {
    private Sequences() {}

    /// The elements that iterating over the value gives: characters of a text, keys of a dict, nothing
    /// of an undefined value. Refuses what Python cannot iterate over.
    public static List<Value> values(Rendering rendering, Value value) {
        return switch (value) {
            case Value.Items items -> {
                rendering.visits(items.values().size());
                yield items.values();
            }
            case Value.Dict dict -> {
                rendering.visits(dict.entries().size());
                yield List.copyOf(dict.entries().keySet());
            }
            case Value.Text text -> characters(rendering, text.text());
            case Value.Range range -> numbers(rendering, range);
            case Value.Undefined _ -> List.of();
            case Value.None _, Value.Bool _, Value.Int _, Value.Real _, Value.Function _, Value.Thing _ ->
                throw rendering.invalid("'" + Kinds.nameOf(value) + "' object is not iterable");
        };
    }

    private static List<Value> characters(Rendering rendering, String text) {
        rendering.steps(text.length());
        List<Value> characters = new ArrayList<>(text.length());
        for (int i = 0; i < text.length(); ) {
            int end = text.offsetByCodePoints(i, 1);
            characters.add(Value.of(text.substring(i, end)));
            i = end;
        }
        return characters;
    }

    private static List<Value> numbers(Rendering rendering, Value.Range range) {
        rendering.steps(range.size());
        List<Value> numbers = new ArrayList<>((int) range.size());
        long number = range.start();
        for (long i = 0; i < range.size(); i++) {
            numbers.add(Value.of(number));
            number += range.step();
        }
        return numbers;
    }

    /// Python's `len`.
    public static long length(Rendering rendering, Value value) {
        return switch (value) {
            case Value.Text text -> {
                rendering.reads(text.text().length());
                yield Texts.length(text.text());
            }
            case Value.Items items -> items.values().size();
            case Value.Dict dict -> dict.entries().size();
            case Value.Range range -> range.size();
            case Value.Undefined _ -> 0;
            case Value.None _, Value.Bool _, Value.Int _, Value.Real _, Value.Function _, Value.Thing _ ->
                throw rendering.invalid("object of type '" + Kinds.nameOf(value) + "' has no len()");
        };
    }

    /// The pairs of a dict as tuples of two.
    public static List<Value> pairs(Rendering rendering, Value.Dict dict) {
        List<Value> pairs = new ArrayList<>(dict.entries().size());
        for (Map.Entry<Value, Value> entry : dict.entries().entrySet()) {
            pairs.add(rendering.tuple(List.of(entry.getKey(), entry.getValue())));
        }
        return pairs;
    }

    /// Python's `x[start:stop:step]`; a bound that is none stands for the end it is nearest to.
    public static Value slice(Rendering rendering, Value value, Value start, Value stop, Value step) {
        long stride = bound(rendering, step, 1);
        if (stride == 0) {
            throw rendering.invalid("slice step cannot be zero");
        }
        return switch (value) {
            case Value.Text text -> sliceText(rendering, text.text(), start, stop, stride);
            case Value.Items items ->
                rendering.items(
                        items.shape() == Value.Shape.TUPLE ? Value.Shape.TUPLE : Value.Shape.LIST,
                        cut(rendering, items.values(), start, stop, stride),
                        items.depth());
            case Value.Range range -> rendering.list(cut(rendering, values(rendering, range), start, stop, stride));
            case Value.Undefined undefined -> throw rendering.undefined(undefined);
            case Value.None _, Value.Bool _, Value.Int _, Value.Real _, Value.Dict _, Value.Function _, Value.Thing _ ->
                new Value.Undefined(value, "slice");
        };
    }

    private static Value sliceText(Rendering rendering, String text, Value start, Value stop, long stride) {
        if (stride != 1) {
            var cut = new StringBuilder();
            for (Value character : cut(rendering, characters(rendering, text), start, stop, stride)) {
                cut.append(((Value.Text) character).text());
            }
            return rendering.text(cut.toString());
        }
        rendering.reads(text.length());
        int length = Texts.length(text);
        int from = clamp(bound(rendering, start, 0), length);
        int to = clamp(bound(rendering, stop, length), length);
        return from >= to
                ? Value.EMPTY_TEXT
                : rendering.text(text.substring(Texts.offset(text, from), Texts.offset(text, to)));
    }

    private static List<Value> cut(Rendering rendering, List<Value> values, Value start, Value stop, long stride) {
        int size = values.size();
        if (stride == 1) {
            int from = clamp(bound(rendering, start, 0), size);
            return values.subList(from, Math.max(from, clamp(bound(rendering, stop, size), size)));
        }
        List<Value> cut = new ArrayList<>();
        if (stride > 0) {
            int to = clamp(bound(rendering, stop, size), size);
            for (long i = clamp(bound(rendering, start, 0), size); i < to; i += Math.min(stride, size)) {
                cut.add(values.get((int) i));
            }
        } else {
            long to = stop instanceof Value.None ? -1 : Math.max(-1, fromEnd(bound(rendering, stop, 0), size));
            long from = Math.min(size - 1L, fromEnd(bound(rendering, start, size - 1L), size));
            for (long i = from; i > to; i -= Math.min(Math.max(-stride, 1), size)) {
                cut.add(values.get((int) i));
            }
        }
        return cut;
    }

    private static long bound(Rendering rendering, Value value, long otherwise) {
        if (value instanceof Value.None) {
            return otherwise;
        }
        if (value instanceof Value.Undefined undefined) {
            throw rendering.undefined(undefined);
        }
        if (!Kinds.isWhole(value)) {
            throw rendering.invalid("slice indices must be integers or None, found " + Kinds.nameOf(value));
        }
        return Kinds.whole(value);
    }

    private static long fromEnd(long index, int size) {
        return index < 0 ? index + size : index;
    }

    private static int clamp(long index, int size) {
        return Math.clamp(fromEnd(index, size), 0, size);
    }
}
