package dev.trimtab.template.value;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The arguments of one call, evaluated: by position and by name.
public record Arguments(List<Value> positional, Map<String, Value> named) {
    public static final Arguments EMPTY = new Arguments(List.of(), Map.of());

    /// The argument at `index`, or called `name`, if it was given.
    public Optional<Value> find(int index, String name) {
        if (index < positional.size()) {
            return Optional.of(positional.get(index));
        }
        return Optional.ofNullable(named.get(name));
    }

    /// As [#find(int, String)], with what to take when it was not given.
    public Value get(int index, String name, Value otherwise) {
        if (index < positional.size()) {
            return positional.get(index);
        }
        Value value = named.get(name);
        return value == null ? otherwise : value;
    }

    /// The argument a call cannot do without.
    public Value require(Rendering rendering, int index, String name) {
        return find(index, name).orElseThrow(() -> rendering.invalid("missing argument '" + name + "'"));
    }

    /// A text that the call cannot do without.
    public String text(Rendering rendering, int index, String name) {
        return Texts.of(rendering, require(rendering, index, name), name);
    }

    public String text(Rendering rendering, int index, String name, String otherwise) {
        Optional<Value> value = find(index, name);
        return value.isEmpty() ? otherwise : Texts.of(rendering, value.get(), name);
    }

    public long whole(Rendering rendering, int index, String name, long otherwise) {
        Optional<Value> value = find(index, name);
        if (value.isEmpty()) {
            return otherwise;
        }
        if (!Kinds.isWhole(value.get())) {
            throw rendering.invalid("argument '" + name + "' must be an integer, found " + Kinds.nameOf(value.get()));
        }
        return Kinds.whole(value.get());
    }

    /// A flag, by its truth.
    public boolean flag(int index, String name) {
        return Kinds.isTrue(get(index, name, Value.FALSE));
    }

    /// These arguments without the first `count` by position.
    public Arguments after(int count) {
        return new Arguments(positional.subList(Math.min(count, positional.size()), positional.size()), named);
    }
}
