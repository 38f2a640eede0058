package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.PercentFormat;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Texts;
import dev.trimtab.template.value.Value;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Filters on texts. Each takes any value, as it prints.
final class TextFilters {
    /// Characters that one character is escaped to at most.
    private static final long ESCAPED_MAX = 5;

    private static final int TRUNCATE_LENGTH = 255;
    private static final int TRUNCATE_LEEWAY = 5;
    private static final int CENTER_WIDTH = 80;
    private static final int INDENT_WIDTH = 4;

    private static final String HEXADECIMAL = "0123456789ABCDEF";

    static final Map<String, Filter> TABLE = Map.ofEntries(
            Map.entry("capitalize", text((rendering, text, _) -> rendering.text(CaseChange.capitalize(text)))),
            Map.entry("center", text((rendering, text, arguments) -> {
                long width = arguments.whole(rendering, 0, "width", CENTER_WIDTH);
                return rendering.text(Padding.center(rendering, text, width, " "));
            })),
            Map.entry("e", text((rendering, text, _) -> escape(rendering, text))),
            Map.entry("escape", text((rendering, text, _) -> escape(rendering, text))),
            Map.entry("forceescape", text((rendering, text, _) -> escape(rendering, text))),
            Map.entry("format", TextFilters::format),
            Map.entry("indent", text(TextFilters::indent)),
            Map.entry("lower", text((rendering, text, _) -> rendering.text(text.toLowerCase(Locale.ROOT)))),
            Map.entry("replace", text((rendering, text, arguments) -> Replacement.replace(rendering, text, arguments))),
            Map.entry("safe", text((_, text, _) -> Value.of(text))),
            Map.entry("string", text((_, text, _) -> Value.of(text))),
            Map.entry("title", text((rendering, text, _) -> rendering.text(title(text)))),
            Map.entry(
                    "trim",
                    text((rendering, text, arguments) ->
                            StringMethods.strip(rendering, text, arguments, StringMethods.Side.BOTH))),
            Map.entry("truncate", text(TextFilters::truncate)),
            Map.entry("upper", text((rendering, text, _) -> rendering.text(text.toUpperCase(Locale.ROOT)))),
            Map.entry("urlencode", TextFilters::urlEncode),
            Map.entry("wordcount", text((_, text, _) -> Value.of(wordCount(text)))));

    private TextFilters() {}

    private static Filter text(Method<String> method) {
        return (rendering, input, arguments) -> {
            String text = Printer.str(rendering, input);
            rendering.reads(text.length());
            return method.call(rendering, text, arguments);
        };
    }

    private static Value escape(Rendering rendering, String text) {
        rendering.makes(ESCAPED_MAX * text.length());
        return Value.of(text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;"));
    }

    private static Value format(Rendering rendering, Value input, Arguments arguments) {
        Map<Value, Value> named = new LinkedHashMap<>();
        arguments.named().forEach((name, value) -> named.put(Value.of(name), value));
        Value filling = named.isEmpty() ? rendering.tuple(arguments.positional()) : rendering.dict(named);
        return rendering.text(PercentFormat.format(rendering, Printer.str(rendering, input), filling));
    }

    /// Indents every line but the first (`first`) and the empty ones (`blank`).
    private static Value indent(Rendering rendering, String text, Arguments arguments) {
        Value width = arguments.get(0, "width", Value.of(INDENT_WIDTH));
        String step = width instanceof Value.Text given
                ? given.text()
                : Padding.spaces(rendering, arguments.whole(rendering, 0, "width", INDENT_WIDTH));
        boolean blank = arguments.flag(2, "blank");
        List<String> lines = Splitting.lines(text + "\n", false);
        rendering.makes(text.length() + (long) step.length() * lines.size());
        var out = new StringBuilder(arguments.flag(1, "first") ? step : "");
        for (int i = 0; i < lines.size(); i++) {
            if (i > 0) {
                out.append('\n').append(blank || !lines.get(i).isEmpty() ? step : "");
            }
            out.append(lines.get(i));
        }
        return Value.of(out.toString());
    }

    /// Each word, after white space, a hyphen or an opening bracket, with a capital.
    private static String title(String text) {
        var out = new StringBuilder(text.length());
        boolean wordStarts = true;
        for (int i = 0; i < text.length(); ) {
            int end = text.offsetByCodePoints(i, 1);
            String character = text.substring(i, end);
            boolean separates = Texts.isSpace(text.charAt(i)) || "-({[<".contains(character);
            out.append(wordStarts ? character.toUpperCase(Locale.ROOT) : character.toLowerCase(Locale.ROOT));
            wordStarts = separates;
            i = end;
        }
        return out.toString();
    }

    private static Value truncate(Rendering rendering, String text, Arguments arguments) {
        long length = arguments.whole(rendering, 0, "length", TRUNCATE_LENGTH);
        String end = arguments.text(rendering, 2, "end", "...");
        Value leeway = arguments.get(3, "leeway", Value.NONE);
        long slack = Kinds.isWhole(leeway) ? Kinds.whole(leeway) : TRUNCATE_LEEWAY;
        if (length < Texts.length(end)) {
            throw rendering.invalid("expected length >= " + Texts.length(end) + ", got " + length);
        }
        if (Texts.length(text) <= length + slack) {
            return Value.of(text);
        }
        String cut = text.substring(0, Texts.offset(text, (int) length - Texts.length(end)));
        int space = cut.lastIndexOf(' ');
        boolean killsWords = arguments.flag(1, "killwords") || space < 0;
        return rendering.text((killsWords ? cut : cut.substring(0, space)) + end);
    }

    private static Value urlEncode(Rendering rendering, Value input, Arguments arguments) {
        if (!(input instanceof Value.Dict dict)) {
            return rendering.text(percent(rendering, input, "/"));
        }
        List<String> pairs = new ArrayList<>();
        for (Map.Entry<Value, Value> entry : dict.entries().entrySet()) {
            String pair = percent(rendering, entry.getKey(), "") + "=" + percent(rendering, entry.getValue(), "");
            pairs.add(pair.replace("%20", "+"));
        }
        return rendering.text(String.join("&", pairs));
    }

    private static String percent(Rendering rendering, Value value, String safe) {
        String text = Printer.str(rendering, value);
        // Three bytes in UTF-8, each as a sign and two digits.
        rendering.makes(9L * text.length());
        var out = new StringBuilder();
        for (byte octet : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (octet & 0xFF);
            boolean plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            if (plain || "_.-~".indexOf(c) >= 0 || safe.indexOf(c) >= 0) {
                out.append(c);
            } else {
                out.append('%').append(HEXADECIMAL.charAt(c >> 4)).append(HEXADECIMAL.charAt(c & 0xF));
            }
        }
        return out.toString();
    }

    private static long wordCount(String text) {
        long words = 0;
        boolean inWord = false;
        for (int i = 0; i < text.length(); i++) {
            boolean part = Character.isLetterOrDigit(text.charAt(i)) || text.charAt(i) == '_';
            words += part && !inWord ? 1 : 0;
            inWord = part;
        }
        return words;
    }
}
