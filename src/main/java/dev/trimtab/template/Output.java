package dev.trimtab.template;

import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;

/// What a template, or a part of it that is captured, has printed so far.
final class Output {
    private final Rendering rendering;
    private final StringBuilder text = new StringBuilder();

    Output(Rendering rendering) {
        this.rendering = rendering;
    }

    void append(String printed) {
        if (printed.length() > Rendering.OUTPUT_MAX - text.length()) {
            throw rendering.limit("characters printed", Rendering.OUTPUT_MAX);
        }
        rendering.makes(printed.length());
        text.append(printed);
    }

    Value value() {
        return Value.of(text.toString());
    }

    String text() {
        return text.toString();
    }
}
