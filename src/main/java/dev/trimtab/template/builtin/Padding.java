package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Texts;

/// Texts filled up to a width, as Python's `ljust`, `rjust`, `center` and `zfill` do.
final class Padding {
    private Padding() {}

    static String left(Rendering rendering, String text, long width, String fill) {
        return text + repeated(rendering, fill, width - Texts.length(text));
    }

    static String right(Rendering rendering, String text, long width, String fill) {
        return repeated(rendering, fill, width - Texts.length(text)) + text;
    }

    /// An odd space goes to the left when the width is odd, as in Python.
    static String center(Rendering rendering, String text, long width, String fill) {
        long missing = Math.max(0, width - Texts.length(text));
        long before = missing / 2 + (missing & width & 1);
        return repeated(rendering, fill, before) + text + repeated(rendering, fill, missing - before);
    }

    /// Zeros after the sign.
    static String zeros(Rendering rendering, String text, long width) {
        boolean signed = text.startsWith("-") || text.startsWith("+");
        String zeros = repeated(rendering, "0", width - Texts.length(text));
        return signed ? text.charAt(0) + zeros + text.substring(1) : zeros + text;
    }

    static String spaces(Rendering rendering, long count) {
        return repeated(rendering, " ", count);
    }

    private static String repeated(Rendering rendering, String fill, long count) {
        if (count <= 0) {
            return "";
        }
        if (Texts.length(fill) != 1) {
            throw rendering.invalid("the fill character must be exactly one character long");
        }
        rendering.makes(Math.max(count, Math.multiplyHigh(count, fill.length())));
        return fill.repeat((int) count);
    }
}
