package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Numbers;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Texts;
import dev.trimtab.template.value.Value;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Python's `'{} {name} {0.role:>8} {x!r}'.format(...)`.
final class BraceFormat {
    private static final Pattern FIELD =
            Pattern.compile("(?<name>[^\\[.!:{}]*)(?<path>[^!:{}]*)(?:!(?<conversion>[rsa]))?(?::(?<spec>[^{}]*))?");
    private static final Pattern STEP = Pattern.compile("\\.(?<attribute>[^.\\[\\]]+)|\\[(?<key>[^\\]]+)\\]");
    private static final Pattern SPEC =
            Pattern.compile("(?:(?<fill>.)?(?<align>[<>^]))?(?<sign>[-+ ])?(?<zero>0)?(?<width>\\d{1,4})?"
                    + "(?<comma>,)?(?:\\.(?<precision>\\d{1,3}))?(?<kind>[bdeEfFgGosxX%])?");
    private static final Pattern INDEX = Pattern.compile("\\d{1,9}");

    private final Rendering rendering;
    private final Arguments arguments;
    private int next;

    private BraceFormat(Rendering rendering, Arguments arguments) {
        this.rendering = rendering;
        this.arguments = arguments;
    }

    static String format(Rendering rendering, String pattern, Arguments arguments) {
        return new BraceFormat(rendering, arguments).format(pattern);
    }

    private String format(String pattern) {
        var out = new StringBuilder();
        rendering.makes(pattern.length());
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c != '{' && c != '}') {
                out.append(c);
            } else if (i + 1 < pattern.length() && pattern.charAt(i + 1) == c) {
                out.append(c);
                i++;
            } else {
                int close = c == '{' ? pattern.indexOf('}', i) : -1;
                if (close < 0) {
                    throw rendering.invalid("Single '" + c + "' encountered in format string");
                }
                String field = field(pattern.substring(i + 1, close));
                rendering.makes(field.length());
                out.append(field);
                i = close;
            }
        }
        return out.toString();
    }

    private String field(String written) {
        Matcher field = FIELD.matcher(written);
        if (!field.matches()) {
            throw rendering.invalid("unsupported format field '{" + written + "}'");
        }
        Value value = looked(argument(field.group("name")), field.group("path"));
        String conversion = field.group("conversion");
        if (conversion != null) {
            value = Value.of(conversion.equals("s") ? Printer.str(rendering, value) : Printer.repr(rendering, value));
        }
        String spec = field.group("spec");
        return spec == null || spec.isEmpty() ? Printer.str(rendering, value) : laidOut(value, spec);
    }

    private Value argument(String name) {
        if (name.isEmpty() || INDEX.matcher(name).matches()) {
            int index = name.isEmpty() ? next++ : Integer.parseInt(name);
            if (index >= arguments.positional().size()) {
                throw rendering.invalid("Replacement index " + index + " out of range for positional args tuple");
            }
            return arguments.positional().get(index);
        }
        Value value = arguments.named().get(name);
        if (value == null) {
            throw rendering.invalid("no argument '" + name + "' for the format");
        }
        return value;
    }

    private Value looked(Value start, String path) {
        Value value = start;
        Matcher step = STEP.matcher(path);
        while (step.find()) {
            String attribute = step.group("attribute");
            if (attribute != null) {
                value = Access.attribute(rendering, value, attribute, Value.of(attribute));
            } else {
                String key = step.group("key");
                boolean index = INDEX.matcher(key).matches();
                value = Access.item(rendering, value, index ? Value.of(Long.parseLong(key)) : Value.of(key));
            }
        }
        return value;
    }

    private String laidOut(Value value, String written) {
        Matcher spec = SPEC.matcher(written);
        if (!spec.matches()) {
            throw rendering.invalid("Invalid format specifier '" + written + "'");
        }
        String text = converted(value, spec);
        boolean number = Kinds.isNumber(value);
        String width = spec.group("width");
        if (width == null) {
            return text;
        }
        String fill = spec.group("fill");
        String align = spec.group("align");
        if (align == null) {
            if (spec.group("zero") != null && number) {
                return Padding.zeros(rendering, text, Long.parseLong(width));
            }
            align = number ? ">" : "<";
        }
        String filling = fill != null ? fill : spec.group("zero") != null ? "0" : " ";
        long columns = Long.parseLong(width);
        return switch (align) {
            case "<" -> Padding.left(rendering, text, columns, filling);
            case ">" -> Padding.right(rendering, text, columns, filling);
            default -> {
                long before = Math.max(0, columns - Texts.length(text)) / 2;
                String left = Padding.right(rendering, text, Texts.length(text) + before, filling);
                yield Padding.left(rendering, left, columns, filling);
            }
        };
    }

    private String converted(Value value, Matcher spec) {
        String kind = spec.group("kind");
        int precision = spec.group("precision") == null ? -1 : Integer.parseInt(spec.group("precision"));
        if (!Kinds.isNumber(value) || (value instanceof Value.Bool && kind == null)) {
            String text = Printer.str(rendering, value);
            return precision < 0 || precision >= Texts.length(text)
                    ? text
                    : text.substring(0, Texts.offset(text, precision));
        }
        String digits = digits(value, kind == null ? "" : kind, precision);
        if (spec.group("comma") != null) {
            digits = grouped(digits);
        }
        String sign = spec.group("sign");
        boolean unsigned = !digits.startsWith("-");
        return unsigned && sign != null && !sign.equals("-") ? sign + digits : digits;
    }

    private String digits(Value value, String kind, int precision) {
        if (kind.isEmpty()) {
            return precision < 0 ? Printer.str(rendering, value) : Numbers.format(rendering, value, 'g', precision);
        }
        if (kind.equals("%")) {
            return Numbers.format(rendering, new Value.Real(Kinds.real(value) * 100), 'f', precision) + "%";
        }
        return Numbers.format(rendering, value, kind.charAt(0), precision);
    }

    private static String grouped(String digits) {
        int point = digits.indexOf('.');
        var out = new StringBuilder(digits);
        int start = digits.startsWith("-") ? 1 : 0;
        for (int i = (point < 0 ? digits.length() : point) - 3; i > start; i -= 3) {
            out.insert(i, ',');
        }
        return out.toString();
    }
}
