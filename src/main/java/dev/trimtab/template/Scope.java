package dev.trimtab.template;

import dev.trimtab.template.value.Value;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// The variables of a template, a loop's turn or a macro's call; names it lacks are looked up in the
/// scope around it.
final class Scope {
    private final Optional<Scope> outer;
    private final Map<String, Value> variables;

    private Scope(Optional<Scope> outer, Map<String, Value> variables) {
        this.outer = outer;
        this.variables = variables;
    }

    /// The outermost scope, with the context in it.
    static Scope root(Map<String, Value> context) {
        return new Scope(Optional.empty(), new HashMap<>(context));
    }

    Scope inner() {
        return new Scope(Optional.of(this), HashMap.newHashMap(4));
    }

    void set(String name, Value value) {
        variables.put(name, value);
    }

    Optional<Value> find(String name) {
        for (Scope scope = this; ; scope = scope.outer.get()) {
            Value value = scope.variables.get(name);
            if (value != null || scope.outer.isEmpty()) {
                return Optional.ofNullable(value);
            }
        }
    }
}
