package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Comparison;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;
import java.util.Map;

/// The methods of lists and tuples that read them; those that change them do not exist here, as in
/// Jinja's immutable sandbox.
final class ListMethods {
    static final Map<String, Method<Value.Items>> TABLE = Map.of(
            "count", ListMethods::count,
            "index", ListMethods::index,
            "copy", (_, items, _) -> items);

    private ListMethods() {}

    private static Value count(Rendering rendering, Value.Items items, Arguments arguments) {
        Value wanted = arguments.require(rendering, 0, "value");
        long count = 0;
        for (Value value : items.values()) {
            if (Comparison.equal(rendering, value, wanted)) {
                count++;
            }
        }
        return Value.of(count);
    }

    private static Value index(Rendering rendering, Value.Items items, Arguments arguments) {
        Value wanted = arguments.require(rendering, 0, "value");
        for (int i = 0; i < items.values().size(); i++) {
            if (Comparison.equal(rendering, items.values().get(i), wanted)) {
                return Value.of((long) i);
            }
        }
        throw rendering.invalid("the value is not in the list");
    }
}
