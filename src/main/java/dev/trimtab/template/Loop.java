package dev.trimtab.template;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Comparison;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;
import java.util.List;
import java.util.Optional;

/// The `loop` of a `for` under way. Calling it, in a recursive loop, runs the loop over something else.
final class Loop implements Value.Thing {
    private final Rendering rendering;
    private final List<Value> values;
    private final int depth;
    private final Value.Body recursion;
    private int index;

    /// What `loop.changed` was called with last.
    private Optional<Value> lastSeen = Optional.empty();

    Loop(Rendering rendering, List<Value> values, int depth, Value.Body recursion) {
        this.rendering = rendering;
        this.values = values;
        this.depth = depth;
        this.recursion = recursion;
    }

    Value current() {
        return values.get(index);
    }

    /// Goes to the next value, if there is one.
    boolean advance() {
        index++;
        return index < values.size();
    }

    @Override
    public Value attribute(String name) {
        int size = values.size();
        return switch (name) {
            case "index" -> Value.of(index + 1L);
            case "index0" -> Value.of((long) index);
            case "revindex" -> Value.of((long) size - index);
            case "revindex0" -> Value.of(size - index - 1L);
            case "first" -> Value.of(index == 0);
            case "last" -> Value.of(index == size - 1);
            case "length" -> Value.of((long) size);
            case "depth" -> Value.of(depth + 1L);
            case "depth0" -> Value.of((long) depth);
            case "previtem" -> index > 0 ? values.get(index - 1) : Value.undefinedName("there is no previous item");
            case "nextitem" -> index < size - 1 ? values.get(index + 1) : Value.undefinedName("there is no next item");
            case "cycle" -> new Value.Function("cycle", this::cycle);
            case "changed" -> new Value.Function("changed", this::changed);
            default -> new Value.Undefined(this, name);
        };
    }

    private Value cycle(Arguments arguments) {
        List<Value> choices = arguments.positional();
        if (choices.isEmpty()) {
            throw rendering.invalid("no items for cycling given");
        }
        return choices.get(index % choices.size());
    }

    private Value changed(Arguments arguments) {
        Value seen = rendering.tuple(arguments.positional());
        boolean changed = lastSeen.isEmpty() || !Comparison.equal(rendering, lastSeen.get(), seen);
        lastSeen = Optional.of(seen);
        return Value.of(changed);
    }

    @Override
    public Optional<Value.Body> body() {
        return Optional.of(recursion);
    }

    @Override
    public String printed() {
        return "<LoopContext " + (index + 1) + "/" + values.size() + ">";
    }
}
