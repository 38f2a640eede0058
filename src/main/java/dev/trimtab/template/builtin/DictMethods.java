package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Value;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The methods of a dict that read it. Those that change it (`update`, `pop`) are hidden, as in Jinja's
/// immutable sandbox: there they come out undefined, and so does a key of that name.
final class DictMethods {
    static final Set<String> HIDDEN = Set.of("update", "pop", "popitem", "setdefault", "clear");

    static final Map<String, Method<Value.Dict>> TABLE = Map.of(
            "get", DictMethods::get,
            "items", (rendering, dict, _) -> rendering.items(Value.Shape.ITEMS_VIEW, Sequences.pairs(rendering, dict)),
            "keys",
                    (rendering, dict, _) -> rendering.items(
                            Value.Shape.KEYS_VIEW, List.copyOf(dict.entries().keySet())),
            "values",
                    (rendering, dict, _) -> rendering.items(
                            Value.Shape.VALUES_VIEW, List.copyOf(dict.entries().values())),
            "copy", (_, dict, _) -> dict);

    private DictMethods() {}

    private static Value get(Rendering rendering, Value.Dict dict, Arguments arguments) {
        Value key = arguments.require(rendering, 0, "key");
        Value otherwise = arguments.get(1, "default", Value.NONE);
        return Kinds.isKey(key) ? Access.lookUp(rendering, dict, key).orElse(otherwise) : otherwise;
    }
}
