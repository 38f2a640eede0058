package dev.trimtab.template.value;

import java.util.List;

/// Python's `'%s and %d' % (a, b)`.
public final class PercentFormat {
    private static final int WIDTH_MAX = 1000;

    private final Rendering rendering;
    private final String pattern;
    private final Value argument;
    private final List<Value> positional;
    private int next;
    private int position;

    private PercentFormat(Rendering rendering, String pattern, Value argument) {
        this.rendering = rendering;
        this.pattern = pattern;
        this.argument = argument;
        this.positional = argument instanceof Value.Items items && items.shape() == Value.Shape.TUPLE
                ? items.values()
                : List.of(argument);
    }

    /// The pattern with each `%` filled from the argument: a tuple's elements in order, a dict's by
    /// `%(name)s`.
    public static String format(Rendering rendering, String pattern, Value argument) {
        return new PercentFormat(rendering, pattern, argument).format();
    }

    private String format() {
        var out = new StringBuilder();
        boolean named = false;
        while (position < pattern.length()) {
            char c = pattern.charAt(position++);
            if (c != '%') {
                out.append(c);
                continue;
            }
            if (peek() == '%') {
                position++;
                out.append('%');
                continue;
            }
            named |= peek() == '(';
            String converted = conversion();
            rendering.makes(converted.length());
            out.append(converted);
        }
        // Python takes a list, like a dict, for something that was to be looked into by name.
        boolean single = argument instanceof Value.Dict
                || argument instanceof Value.Undefined
                || (argument instanceof Value.Items items && items.shape() != Value.Shape.TUPLE);
        if (!named && next < positional.size() && !single) {
            throw rendering.invalid("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    private char peek() {
        if (position >= pattern.length()) {
            throw rendering.invalid("incomplete format");
        }
        return pattern.charAt(position);
    }

    private String conversion() {
        Value value = null;
        if (peek() == '(') {
            int close = pattern.indexOf(')', position);
            if (close < 0) {
                throw rendering.invalid("incomplete format key");
            }
            value = named(pattern.substring(position + 1, close));
            position = close + 1;
        }
        String flags = run("-+ 0#");
        int width = width();
        int precision = -1;
        if (peek() == '.') {
            position++;
            precision = width();
        }
        char kind = peek();
        position++;
        if (value == null) {
            value = positional();
        }
        return pad(converted(kind, value, precision, flags), width, flags, kind);
    }

    private String run(String accepted) {
        int start = position;
        while (accepted.indexOf(peek()) >= 0) {
            position++;
        }
        return pattern.substring(start, position);
    }

    private int width() {
        String digits = run("0123456789");
        if (digits.length() > 4 || (!digits.isEmpty() && Integer.parseInt(digits) > WIDTH_MAX)) {
            throw rendering.limit("characters of format width", WIDTH_MAX);
        }
        return digits.isEmpty() ? 0 : Integer.parseInt(digits);
    }

    private Value named(String name) {
        if (!(argument instanceof Value.Dict dict)) {
            throw rendering.invalid("format requires a mapping");
        }
        Value value = dict.entries().get(Value.of(name));
        if (value == null) {
            throw rendering.invalid("no key '" + name + "' for the format");
        }
        return value;
    }

    private Value positional() {
        if (next >= positional.size()) {
            throw rendering.invalid("not enough arguments for format string");
        }
        return positional.get(next++);
    }

    private String converted(char kind, Value value, int precision, String flags) {
        return switch (kind) {
            case 's' -> cut(Printer.str(rendering, value), precision);
            case 'r', 'a' -> cut(Printer.repr(rendering, value), precision);
            case 'c' -> Printer.str(rendering, value);
            case 'd', 'i', 'u', 'f', 'F', 'e', 'E', 'g', 'G', 'x', 'X', 'o' -> {
                if (!Kinds.isNumber(value)) {
                    throw rendering.invalid(
                            "%" + kind + " format: a real number is required, not " + Kinds.nameOf(value));
                }
                String digits = Numbers.format(rendering, value, kind, precision);
                boolean signed = !digits.startsWith("-");
                yield signed && flags.indexOf('+') >= 0
                        ? "+" + digits
                        : signed && flags.indexOf(' ') >= 0 ? " " + digits : digits;
            }
            default -> throw rendering.invalid("unsupported format character '" + kind + "'");
        };
    }

    private static String cut(String text, int precision) {
        return precision < 0 || precision >= Texts.length(text)
                ? text
                : text.substring(0, Texts.offset(text, precision));
    }

    private static String pad(String text, int width, String flags, char kind) {
        int missing = width - Texts.length(text);
        if (missing <= 0) {
            return text;
        }
        if (flags.indexOf('-') >= 0) {
            return text + " ".repeat(missing);
        }
        if (flags.indexOf('0') >= 0 && "sra".indexOf(kind) < 0) {
            boolean signed = text.startsWith("-") || text.startsWith("+");
            return (signed ? text.substring(0, 1) : "") + "0".repeat(missing) + text.substring(signed ? 1 : 0);
        }
        return " ".repeat(missing) + text;
    }
}
