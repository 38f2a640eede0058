package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;

/// What `input | name(arguments)` does.
@FunctionalInterface
public interface Filter {
    Value apply(Rendering rendering, Value input, Arguments arguments);
}
