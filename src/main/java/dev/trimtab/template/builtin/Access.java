package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Texts;
import dev.trimtab.template.value.Value;
import java.util.List;
import java.util.Optional;

/// `x.name` and `x[key]`. What is not there is undefined; only looking into something undefined is an
/// error.
public final class Access {
    private Access() {}

    /// `value.name`: a method or attribute first, then the item under `key`, which is the name as a
    /// value.
    public static Value attribute(Rendering rendering, Value value, String name, Value key) {
        return switch (value) {
            case Value.Dict dict -> {
                Method<Value.Dict> method = DictMethods.TABLE.get(name);
                if (method != null) {
                    yield method.bound(rendering, name, dict);
                }
                Value missing = new Value.Undefined(dict, name);
                yield DictMethods.HIDDEN.contains(name)
                        ? missing
                        : lookUp(rendering, dict, key).orElse(missing);
            }
            case Value.Text text -> {
                Method<String> method = StringMethods.TABLE.get(name);
                yield method != null ? method.bound(rendering, name, text.text()) : new Value.Undefined(text, name);
            }
            case Value.Items items -> {
                Method<Value.Items> method = ListMethods.TABLE.get(name);
                yield method != null ? method.bound(rendering, name, items) : ofGroup(items, name);
            }
            case Value.Thing thing -> thing.attribute(name);
            case Value.Undefined undefined -> throw rendering.undefined(undefined);
            case Value.None _, Value.Bool _, Value.Int _, Value.Real _, Value.Range _, Value.Function _ ->
                new Value.Undefined(value, name);
        };
    }

    /// What a dict has under a key. A long key costs its length to compare.
    static Optional<Value> lookUp(Rendering rendering, Value.Dict dict, Value key) {
        if (key instanceof Value.Text text) {
            rendering.reads(text.text().length());
        }
        return Optional.ofNullable(dict.entries().get(key));
    }

    /// What `groupby` gives are pairs whose parts have names.
    private static Value ofGroup(Value.Items items, String name) {
        if (items.shape() == Value.Shape.TUPLE && items.values().size() == 2) {
            if (name.equals("grouper")) {
                return items.values().getFirst();
            } else if (name.equals("list")) {
                return items.values().getLast();
            }
        }
        return new Value.Undefined(items, name);
    }

    /// `value[key]`: an item first, then, under a name, an attribute.
    public static Value item(Rendering rendering, Value value, Value key) {
        if (value instanceof Value.Undefined undefined) {
            throw rendering.undefined(undefined);
        }
        if (value instanceof Value.Dict dict && Kinds.isKey(key)) {
            Optional<Value> item = lookUp(rendering, dict, key);
            if (item.isPresent()) {
                return item.get();
            }
        } else if (Kinds.isWhole(key)) {
            return indexed(rendering, value, Kinds.whole(key));
        }
        return key instanceof Value.Text name
                ? attribute(rendering, value, name.text(), key)
                : new Value.Undefined(value, shown(key));
    }

    private static Value indexed(Rendering rendering, Value value, long index) {
        long length = switch (value) {
            case Value.Items _, Value.Text _, Value.Range _ -> Sequences.length(rendering, value);
            default -> 0;
        };
        long position = index < 0 ? index + length : index;
        if (position < 0 || position >= length) {
            return new Value.Undefined(value, Long.toString(index));
        }
        return switch (value) {
            case Value.Text text -> {
                rendering.reads(text.text().length());
                yield Value.of(Texts.at(text.text(), (int) position));
            }
            case Value.Range range -> Value.of(range.start() + position * range.step());
            default -> ((Value.Items) value).values().get((int) position);
        };
    }

    private static String shown(Value key) {
        return Kinds.isWhole(key) ? Long.toString(Kinds.whole(key)) : Kinds.nameOf(key);
    }

    /// A value as the key of a dict; refuses lists and the like.
    public static Value key(Rendering rendering, Value key) {
        if (!Kinds.isKey(key)) {
            throw rendering.invalid("unhashable type: '" + Kinds.nameOf(key) + "'");
        }
        return key;
    }

    /// The value at a path of names and indexes, `function.name` or `0.role`, as `map(attribute=...)`
    /// takes. `otherwise` stands for what is missing on the way, unless it is none.
    static Value path(Rendering rendering, Value value, Value path, Value otherwise) {
        if (!(path instanceof Value.Text text)) {
            return present(item(rendering, value, path), otherwise);
        }
        Value found = value;
        for (String part : List.of(text.text().split("\\.", -1))) {
            boolean index =
                    !part.isEmpty() && part.length() < 10 && part.chars().allMatch(c -> c >= '0' && c <= '9');
            Value key = index ? Value.of(Long.parseLong(part)) : Value.of(part);
            found = present(item(rendering, found, key), otherwise);
        }
        return found;
    }

    private static Value present(Value found, Value otherwise) {
        return found instanceof Value.Undefined && !(otherwise instanceof Value.None) ? otherwise : found;
    }
}
