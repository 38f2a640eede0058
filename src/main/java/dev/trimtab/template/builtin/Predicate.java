package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;

/// What `input is name(arguments)` asks: a test, in Jinja's words.
@FunctionalInterface
public interface Predicate {
    boolean holds(Rendering rendering, Value input, Arguments arguments);
}
