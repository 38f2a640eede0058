package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;
import java.util.List;

/// `cycler(a, b, ...)`: gives its values in turn.
final class Cycler implements Value.Thing {
    private final List<Value> values;
    private int position;

    Cycler(Rendering rendering, List<Value> values) {
        if (values.isEmpty()) {
            throw rendering.invalid("at least one item has to be provided");
        }
        this.values = values;
    }

    @Override
    public Value attribute(String name) {
        return switch (name) {
            case "current" -> values.get(position);
            case "next" -> new Value.Function("next", _ -> next());
            case "reset" ->
                new Value.Function("reset", _ -> {
                    position = 0;
                    return Value.NONE;
                });
            default -> new Value.Undefined(this, name);
        };
    }

    private Value next() {
        Value value = values.get(position);
        position = (position + 1) % values.size();
        return value;
    }

    @Override
    public String printed() {
        return "<Cycler>";
    }
}
