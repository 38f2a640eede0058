package dev.trimtab.template.builtin;

import dev.trimtab.error.InvalidRequest;
import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Value;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The functions every template may call, unless the context has something of their name.
public final class Globals {
    private static final Map<String, Method<String>> TABLE = Map.of(
            "range", (rendering, _, arguments) -> range(rendering, arguments),
            "dict", (rendering, _, arguments) -> dict(rendering, arguments),
            "namespace", (rendering, _, arguments) -> namespace(rendering, arguments),
            "cycler", (rendering, _, arguments) -> new Cycler(rendering, arguments.positional()),
            "joiner", (rendering, _, arguments) -> joiner(arguments.text(rendering, 0, "sep", ", ")),
            "raise_exception",
                    (rendering, _, arguments) -> {
                        throw InvalidRequest.of(Printer.str(rendering, arguments.require(rendering, 0, "message")));
                    },
            "strftime_now",
                    (rendering, _, arguments) -> {
                        String pattern = arguments.text(rendering, 0, "format");
                        return rendering.text(
                                Strftime.format(rendering, pattern, ZonedDateTime.now(rendering.clock())));
                    });

    private Globals() {}

    public static Optional<Value> find(Rendering rendering, String name) {
        Method<String> global = TABLE.get(name);
        return global == null ? Optional.empty() : Optional.of(global.bound(rendering, name, name));
    }

    private static Value range(Rendering rendering, Arguments arguments) {
        List<Value> bounds = arguments.positional();
        if (bounds.isEmpty() || bounds.size() > 3 || !bounds.stream().allMatch(Kinds::isWhole)) {
            throw rendering.invalid("range expects one to three integers");
        }
        long start = bounds.size() == 1 ? 0 : Kinds.whole(bounds.getFirst());
        long stop = Kinds.whole(bounds.get(bounds.size() == 1 ? 0 : 1));
        long step = bounds.size() == 3 ? Kinds.whole(bounds.get(2)) : 1;
        if (step == 0) {
            throw rendering.invalid("range() arg 3 must not be zero");
        }
        // Bounds of at most 61 bits leave no overflow in the size.
        long bound = 1L << 61;
        if (Math.max(Math.max(Math.abs(start), Math.abs(stop)), Math.abs(step)) > bound
                || start == Long.MIN_VALUE
                || stop == Long.MIN_VALUE
                || step == Long.MIN_VALUE) {
            throw rendering.limit("as a bound of a range", bound);
        }
        var range = new Value.Range(start, stop, step);
        if (range.size() > Rendering.RANGE_MAX) {
            throw rendering.limit("elements of a range", Rendering.RANGE_MAX);
        }
        return range;
    }

    private static Value dict(Rendering rendering, Arguments arguments) {
        Map<Value, Value> entries = new LinkedHashMap<>();
        if (!arguments.positional().isEmpty()) {
            Value source = arguments.positional().getFirst();
            if (source instanceof Value.Dict given) {
                entries.putAll(given.entries());
            } else {
                for (Value pair : Sequences.values(rendering, source)) {
                    List<Value> parts = Sequences.values(rendering, pair);
                    if (parts.size() != 2) {
                        throw rendering.invalid("dict expects pairs, found " + parts.size() + " values");
                    }
                    entries.put(Access.key(rendering, parts.getFirst()), parts.getLast());
                }
            }
        }
        arguments.named().forEach((name, value) -> entries.put(Value.of(name), value));
        return rendering.dict(entries);
    }

    private static Value namespace(Rendering rendering, Arguments arguments) {
        var namespace = new Namespace(rendering);
        if (dict(rendering, arguments) instanceof Value.Dict given) {
            given.entries().forEach((name, value) -> namespace.set(Printer.str(rendering, name), value));
        }
        return namespace;
    }

    /// Gives nothing when called first, then the separator.
    private static Value joiner(String separator) {
        boolean[] used = new boolean[1];
        return new Value.Function("joiner", _ -> {
            Value text = used[0] ? Value.of(separator) : Value.EMPTY_TEXT;
            used[0] = true;
            return text;
        });
    }
}
