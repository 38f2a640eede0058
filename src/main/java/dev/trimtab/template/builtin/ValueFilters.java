package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Json;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Numbers;
import dev.trimtab.template.value.Operators;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Texts;
import dev.trimtab.template.value.Value;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Filters on single values: defaults, numbers, attributes and JSON.
final class ValueFilters {
    /// Characters of a text that may still be a number; Python itself stops at about as many digits.
    private static final int NUMBER_MAX = 4300;

    private static final int INDENT_MAX = 100;
    private static final int PRECISION_MAX = 300;

    static final Map<String, Filter> TABLE = Map.ofEntries(
            Map.entry("abs", ValueFilters::absolute),
            Map.entry("attr", (rendering, input, arguments) -> {
                String name = arguments.text(rendering, 0, "name");
                return Access.attribute(rendering, input, name, Value.EMPTY_TEXT);
            }),
            Map.entry("d", ValueFilters::defaulted),
            Map.entry("default", ValueFilters::defaulted),
            Map.entry("float", ValueFilters::real),
            Map.entry("int", ValueFilters::whole),
            Map.entry("round", ValueFilters::round),
            Map.entry("tojson", ValueFilters::json));

    private ValueFilters() {}

    private static Value defaulted(Rendering rendering, Value input, Arguments arguments) {
        boolean missing = input instanceof Value.Undefined || (arguments.flag(1, "boolean") && !Kinds.isTrue(input));
        return missing ? arguments.get(0, "default_value", Value.EMPTY_TEXT) : input;
    }

    private static Value absolute(Rendering rendering, Value input, Arguments arguments) {
        if (!Kinds.isNumber(input)) {
            throw rendering.invalid("bad operand type for abs(): '" + Kinds.nameOf(input) + "'");
        }
        return Kinds.real(input) < 0 ? Operators.negate(rendering, input) : Operators.plus(rendering, input);
    }

    private static Value whole(Rendering rendering, Value input, Arguments arguments) {
        Value otherwise = arguments.get(0, "default", Value.of(0));
        int base = Math.clamp(arguments.whole(rendering, 1, "base", 10), 0, Character.MAX_RADIX);
        return switch (input) {
            case Value.Int _ -> input;
            case Value.Bool _ -> Value.of(Kinds.whole(input));
            case Value.Real real ->
                Double.isFinite(real.number()) ? Value.of(Numbers.truncated(rendering, real.number())) : otherwise;
            case Value.Text text when text.text().length() > NUMBER_MAX -> otherwise;
            case Value.Text text -> parsedWhole(rendering, text.text(), base).orElse(otherwise);
            default -> otherwise;
        };
    }

    private static Optional<Value> parsedWhole(Rendering rendering, String text, int base) {
        String digits = Texts.strip(text);
        try {
            int radix = base < Character.MIN_RADIX ? Numbers.radix(digits) : base;
            boolean marked = radix != 10 && Numbers.radix(digits) == radix;
            return Optional.of(
                    Value.of(Long.parseLong(digits.substring(marked ? 2 : 0).replace("_", ""), radix)));
        } catch (NumberFormatException _) {
            return parsedReal(digits)
                    .filter(Double::isFinite)
                    .map(number -> Value.of(Numbers.truncated(rendering, number)));
        }
    }

    private static Value real(Rendering rendering, Value input, Arguments arguments) {
        Value otherwise = arguments.get(0, "default", new Value.Real(0));
        return switch (input) {
            case Value.Real _ -> input;
            case Value.Int _, Value.Bool _ -> new Value.Real(Kinds.real(input));
            case Value.Text text when text.text().length() > NUMBER_MAX -> otherwise;
            case Value.Text text -> {
                Optional<Double> parsed = parsedReal(Texts.strip(text.text()));
                yield parsed.isPresent() ? new Value.Real(parsed.get()) : otherwise;
            }
            default -> otherwise;
        };
    }

    /// What Python's `float` reads; Java's own parser would take `1d` and hexadecimal as well.
    private static Optional<Double> parsedReal(String text) {
        return switch (text.toLowerCase(java.util.Locale.ROOT)) {
            case "inf", "+inf", "infinity", "+infinity" -> Optional.of(Double.POSITIVE_INFINITY);
            case "-inf", "-infinity" -> Optional.of(Double.NEGATIVE_INFINITY);
            case "nan", "+nan", "-nan" -> Optional.of(Double.NaN);
            default -> {
                boolean plain = !text.isEmpty() && text.chars().allMatch(c -> "0123456789+-.eE_".indexOf(c) >= 0);
                try {
                    yield plain ? Optional.of(Double.parseDouble(text.replace("_", ""))) : Optional.empty();
                } catch (NumberFormatException _) {
                    yield Optional.empty();
                }
            }
        };
    }

    private static Value round(Rendering rendering, Value input, Arguments arguments) {
        int precision = Math.clamp(arguments.whole(rendering, 0, "precision", 0), -PRECISION_MAX, PRECISION_MAX);
        String method = arguments.text(rendering, 1, "method", "common");
        if (!Kinds.isNumber(input)) {
            throw rendering.invalid("cannot round a value of type '" + Kinds.nameOf(input) + "'");
        }
        if (method.equals("common") && Kinds.isWhole(input) && precision >= 0) {
            return Value.of(Kinds.whole(input));
        }
        double number = Kinds.real(input);
        if (!Double.isFinite(number)) {
            return input;
        }
        double scale = Math.pow(10, precision);
        return switch (method) {
            case "common" -> {
                double rounded = new BigDecimal(number)
                        .setScale(precision, RoundingMode.HALF_EVEN)
                        .doubleValue();
                yield Kinds.isWhole(input) ? Value.of((long) rounded) : new Value.Real(rounded);
            }
            case "ceil" -> new Value.Real(Math.ceil(number * scale) / scale);
            case "floor" -> new Value.Real(Math.floor(number * scale) / scale);
            default -> throw rendering.invalid("method must be common, ceil or floor");
        };
    }

    /// Hugging Face's `tojson(ensure_ascii, indent, separators, sort_keys)`.
    private static Value json(Rendering rendering, Value input, Arguments arguments) {
        if (arguments.positional().isEmpty() && arguments.named().isEmpty()) {
            return Value.of(Json.write(rendering, input, Json.Style.PLAIN));
        }
        Value indent = arguments.get(1, "indent", Value.NONE);
        boolean lines = !(indent instanceof Value.None);
        String step = indent instanceof Value.Text text ? text.text() : " ".repeat(spaces(rendering, indent));
        List<Value> separators = arguments.get(2, "separators", Value.NONE) instanceof Value.Items items
                ? Sequences.values(rendering, items)
                : List.of(Value.of(lines ? "," : ", "), Value.of(": "));
        if (separators.size() != 2) {
            throw rendering.invalid("expected two separators, found " + separators.size());
        }
        var style = new Json.Style(
                arguments.flag(0, "ensure_ascii"),
                lines,
                step,
                Printer.str(rendering, separators.getFirst()),
                Printer.str(rendering, separators.getLast()),
                arguments.flag(3, "sort_keys"));
        return Value.of(Json.write(rendering, input, style));
    }

    private static int spaces(Rendering rendering, Value indent) {
        long spaces = Kinds.isWhole(indent) ? Kinds.whole(indent) : 0;
        if (spaces > INDENT_MAX) {
            throw rendering.limit("spaces of indentation", INDENT_MAX);
        }
        return (int) Math.max(spaces, 0);
    }
}
