package dev.trimtab.template.value;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/// Python's `str` and `repr`: what a template prints.
public final class Printer {
    /// `repr` writes a float without an exponent from 1e-4 up to, not including, 1e16.
    private static final int FIXED_EXPONENT_MIN = -4;

    private static final int FIXED_EXPONENT_MAX = 16;

    private Printer() {}

    /// What `{{ value }}` prints. An undefined value prints as nothing.
    public static String str(Rendering rendering, Value value) {
        return switch (value) {
            case Value.Text text -> text.text();
            case Value.Undefined _ -> "";
            case Value.Int whole -> Long.toString(whole.number());
            case Value.Items _, Value.Dict _ -> repr(rendering, value);
            case Value.None _, Value.Bool _, Value.Real _, Value.Range _, Value.Function _, Value.Thing _ ->
                repr(rendering, value);
        };
    }

    /// The value as Python would write it in source: what a list shows of its elements.
    public static String repr(Rendering rendering, Value value) {
        var out = new StringBuilder();
        repr(rendering, value, out);
        rendering.makes(out.length());
        return out.toString();
    }

    private static void repr(Rendering rendering, Value value, StringBuilder out) {
        rendering.step();
        if (out.length() > Rendering.OUTPUT_MAX) {
            throw rendering.limit("characters printed", Rendering.OUTPUT_MAX);
        }
        switch (value) {
            case Value.None _ -> out.append("None");
            case Value.Undefined _ -> out.append("Undefined");
            case Value.Bool bool -> out.append(bool.truth() ? "True" : "False");
            case Value.Int whole -> out.append(whole.number());
            case Value.Real real -> out.append(real(real.number()));
            case Value.Text text -> quote(rendering, text.text(), out);
            case Value.Items items -> sequence(rendering, items, out);
            case Value.Dict dict -> entries(rendering, dict, out);
            case Value.Range range -> range(range, out);
            case Value.Function function ->
                out.append("<function ").append(function.name()).append('>');
            case Value.Thing thing -> out.append(thing.printed());
        }
    }

    private static void sequence(Rendering rendering, Value.Items items, StringBuilder out) {
        switch (items.shape()) {
            case LIST -> elements(rendering, items.values(), "[", "]", out);
            case TUPLE ->
                elements(rendering, items.values(), "(", items.values().size() == 1 ? ",)" : ")", out);
            case KEYS_VIEW, VALUES_VIEW, ITEMS_VIEW ->
                elements(rendering, items.values(), Kinds.nameOf(items) + "([", "])", out);
        }
    }

    private static void elements(
            Rendering rendering, List<Value> values, String open, String close, StringBuilder out) {
        out.append(open);
        String separator = "";
        for (Value value : values) {
            out.append(separator);
            repr(rendering, value, out);
            separator = ", ";
        }
        out.append(close);
    }

    private static void entries(Rendering rendering, Value.Dict dict, StringBuilder out) {
        out.append('{');
        String separator = "";
        for (Map.Entry<Value, Value> entry : dict.entries().entrySet()) {
            out.append(separator);
            repr(rendering, entry.getKey(), out);
            out.append(": ");
            repr(rendering, entry.getValue(), out);
            separator = ", ";
        }
        out.append('}');
    }

    private static void range(Value.Range range, StringBuilder out) {
        out.append("range(").append(range.start()).append(", ").append(range.stop());
        if (range.step() != 1) {
            out.append(", ").append(range.step());
        }
        out.append(')');
    }

    /// Python's shortest text that reads back as the same double.
    public static String real(double number) {
        if (Double.isNaN(number)) {
            return "nan";
        }
        if (Double.isInfinite(number)) {
            return number > 0 ? "inf" : "-inf";
        }
        String sign = Math.copySign(1, number) < 0 ? "-" : "";
        if (number == 0) {
            return sign + "0.0";
        }
        BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(number))).stripTrailingZeros();
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - 1 - shortest.scale();
        if (exponent >= FIXED_EXPONENT_MIN && exponent < FIXED_EXPONENT_MAX) {
            String plain = shortest.toPlainString();
            return sign + plain + (plain.indexOf('.') < 0 ? ".0" : "");
        }
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }

    private static void quote(Rendering rendering, String text, StringBuilder out) {
        rendering.reads(text.length());
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        for (int i = 0; i < text.length(); ) {
            int codePoint = text.codePointAt(i);
            i += Character.charCount(codePoint);
            switch (codePoint) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (codePoint == quote) {
                        out.append('\\').append(quote);
                    } else if (isPrintable(codePoint)) {
                        out.appendCodePoint(codePoint);
                    } else {
                        escape(rendering, codePoint, out);
                    }
                }
            }
        }
        out.append(quote);
    }

    private static void escape(Rendering rendering, int codePoint, StringBuilder out) {
        int digits = codePoint <= 0xFF ? 2 : codePoint <= 0xFFFF ? 4 : 8;
        rendering.makes(digits + 2);
        out.append('\\').append(digits == 2 ? 'x' : digits == 4 ? 'u' : 'U');
        for (int shift = 4 * digits - 4; shift >= 0; shift -= 4) {
            out.append(Character.forDigit(codePoint >> shift & 0xF, 16));
        }
    }

    /// Python's `str.isprintable` for one character.
    public static boolean isPrintable(int codePoint) {
        if (codePoint == ' ') {
            return true;
        }
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }
}
