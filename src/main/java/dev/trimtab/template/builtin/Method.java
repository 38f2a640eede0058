package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;

/// A method of a kind of value: what `receiver.name(arguments)` does.
@FunctionalInterface
interface Method<T> {
    Value call(Rendering rendering, T receiver, Arguments arguments);

    /// The method as a value of its own, to be called later.
    default Value bound(Rendering rendering, String name, T receiver) {
        return new Value.Function(name, arguments -> call(rendering, receiver, arguments));
    }
}
