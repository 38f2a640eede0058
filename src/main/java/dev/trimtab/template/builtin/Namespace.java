package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;
import java.util.LinkedHashMap;
import java.util.Map;

/// `namespace(...)`: the one object whose attributes a template may set, so that a loop can hand
/// something out.
public final class Namespace implements Value.Thing {
    private final Rendering rendering;
    private final Map<String, Value> attributes = new LinkedHashMap<>();

    Namespace(Rendering rendering) {
        this.rendering = rendering;
    }

    public void set(String name, Value value) {
        rendering.step();
        attributes.put(name, value);
    }

    @Override
    public Value attribute(String name) {
        Value value = attributes.get(name);
        return value == null ? new Value.Undefined(this, name) : value;
    }

    @Override
    public String printed() {
        return "<Namespace " + attributes.keySet() + ">";
    }
}
