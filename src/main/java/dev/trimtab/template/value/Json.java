package dev.trimtab.template.value;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// JSON as Python's `json.dumps` writes it, which models were trained on: `", "` and `": "` between,
/// and nothing escaped for HTML.
public final class Json {
    private final Rendering rendering;
    private final Style style;
    private final StringBuilder out = new StringBuilder();

    /// How to write. `indent` is what each level adds; with `lines` every element has a line of its
    /// own.
    public record Style(boolean ascii, boolean lines, String indent, String comma, String colon, boolean sortKeys) {
        /// Hugging Face's `tojson` without arguments.
        public static final Style PLAIN = new Style(false, false, "", ", ", ": ", false);
    }

    private Json(Rendering rendering, Style style) {
        this.rendering = rendering;
        this.style = style;
    }

    public static String write(Rendering rendering, Value value, Style style) {
        var json = new Json(rendering, style);
        json.write(value, 0);
        rendering.makes(json.out.length());
        return json.out.toString();
    }

    private void write(Value value, int level) {
        rendering.step();
        if (out.length() > Rendering.OUTPUT_MAX) {
            throw rendering.limit("characters of JSON", Rendering.OUTPUT_MAX);
        }
        switch (value) {
            // Python refuses an undefined value; a tool without parameters is too common for that, and null says it.
            case Value.None _, Value.Undefined _ -> out.append("null");
            case Value.Bool bool -> out.append(bool.truth());
            case Value.Int whole -> out.append(whole.number());
            case Value.Real real -> out.append(real(real.number()));
            case Value.Text text -> quote(text.text());
            case Value.Items items -> array(items.values(), level);
            case Value.Dict dict -> object(dict, level);
            case Value.Range _, Value.Function _, Value.Thing _ ->
                throw rendering.invalid("Object of type " + Kinds.nameOf(value) + " is not JSON serializable");
        }
    }

    private static String real(double number) {
        if (Double.isNaN(number)) {
            return "NaN";
        }
        if (Double.isInfinite(number)) {
            return number > 0 ? "Infinity" : "-Infinity";
        }
        return Printer.real(number);
    }

    private void array(List<Value> values, int level) {
        if (values.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        boolean first = true;
        for (Value value : values) {
            separate(first, level + 1);
            write(value, level + 1);
            first = false;
        }
        newLine(level);
        out.append(']');
    }

    private void object(Value.Dict dict, int level) {
        if (dict.entries().isEmpty()) {
            out.append("{}");
            return;
        }
        out.append('{');
        boolean first = true;
        for (Map.Entry<Value, Value> entry : ordered(dict)) {
            separate(first, level + 1);
            quote(key(entry.getKey()));
            out.append(style.colon());
            write(entry.getValue(), level + 1);
            first = false;
        }
        newLine(level);
        out.append('}');
    }

    private Iterable<Map.Entry<Value, Value>> ordered(Value.Dict dict) {
        if (!style.sortKeys()) {
            return dict.entries().entrySet();
        }
        List<Map.Entry<Value, Value>> entries = new ArrayList<>(dict.entries().entrySet());
        rendering.steps(entries.size());
        entries.sort(Map.Entry.comparingByKey(Comparator.comparing(this::key, Texts::compare)));
        return entries;
    }

    private String key(Value key) {
        return switch (key) {
            case Value.Text text -> text.text();
            case Value.None _ -> "null";
            case Value.Bool bool -> Boolean.toString(bool.truth());
            default -> Printer.str(rendering, key);
        };
    }

    private void separate(boolean first, int level) {
        if (!first) {
            out.append(style.comma());
        }
        newLine(level);
    }

    private void newLine(int level) {
        if (style.lines()) {
            out.append('\n').repeat(style.indent(), level);
        }
    }

    private void quote(String text) {
        out.append('"');
        int plain = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= ' ' && c != '"' && c != '\\' && (c < 0x7F || !style.ascii())) {
                continue;
            }
            out.append(text, plain, i);
            plain = i + 1;
            escape(c);
        }
        out.append(text, plain, text.length()).append('"');
    }

    private void escape(char c) {
        switch (c) {
            case '"' -> out.append("\\\"");
            case '\\' -> out.append("\\\\");
            case '\n' -> out.append("\\n");
            case '\r' -> out.append("\\r");
            case '\t' -> out.append("\\t");
            case '\b' -> out.append("\\b");
            case '\f' -> out.append("\\f");
            case 0x7F -> out.append(c);
            default -> {
                out.append("\\u");
                for (int shift = 12; shift >= 0; shift -= 4) {
                    out.append(Character.forDigit(c >> shift & 0xF, 16));
                }
            }
        }
    }
}
