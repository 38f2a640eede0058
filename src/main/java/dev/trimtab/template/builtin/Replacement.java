package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Value;

/// `replace(old, new, count)`, the method and the filter.
final class Replacement {
    private Replacement() {}

    static Value replace(Rendering rendering, String text, Arguments arguments) {
        String old = Printer.str(rendering, arguments.require(rendering, 0, "old"));
        String fresh = Printer.str(rendering, arguments.require(rendering, 1, "new"));
        Value count = arguments.get(2, "count", Value.NONE);
        long max = Kinds.isWhole(count) && Kinds.whole(count) >= 0 ? Kinds.whole(count) : Long.MAX_VALUE;
        rendering.searches(text, old);
        return old.isEmpty() ? between(rendering, text, fresh, max) : replace(rendering, text, old, fresh, max);
    }

    private static Value replace(Rendering rendering, String text, String old, String fresh, long max) {
        int at = text.indexOf(old);
        if (at < 0 || max == 0) {
            return Value.of(text);
        }
        var out = new StringBuilder(text.length());
        int start = 0;
        for (long done = 0; at >= 0 && done < max; done++) {
            rendering.makes((long) at - start + fresh.length());
            out.append(text, start, at).append(fresh);
            start = at + old.length();
            at = text.indexOf(old, start);
        }
        rendering.makes((long) text.length() - start);
        return Value.of(out.append(text, start, text.length()).toString());
    }

    /// An empty `old` is found before every character and at the end.
    private static Value between(Rendering rendering, String text, String fresh, long max) {
        var out = new StringBuilder();
        long done = 0;
        for (int i = 0; i <= text.length() && done < max; done++) {
            int end = i < text.length() ? text.offsetByCodePoints(i, 1) : i + 1;
            rendering.makes(fresh.length() + 1L);
            out.append(fresh).append(text, i, Math.min(end, text.length()));
            i = end;
        }
        int rest = Math.min(
                text.length(),
                done == 0
                        ? 0
                        : text.offsetByCodePoints(0, (int) Math.min(done, text.codePointCount(0, text.length()))));
        return Value.of(out.append(text, rest, text.length()).toString());
    }
}
