package dev.trimtab.template.value;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/// Numbers as Python's format codes write them, and read from text as Python's `int` and `float` do.
public final class Numbers {
    private static final int PRECISION_DEFAULT = 6;

    private Numbers() {}

    /// The number in the format `kind` (`d`, `f`, `e`, `g`, `x`, `o` or a capital); a negative `precision` is
    /// the default.
    public static String format(Rendering rendering, Value value, char kind, int precision) {
        return switch (kind) {
            case 'd', 'i', 'u' -> Long.toString(truncated(rendering, value));
            case 'x' -> Long.toString(truncated(rendering, value), 16);
            case 'X' -> Long.toString(truncated(rendering, value), 16).toUpperCase(Locale.ROOT);
            case 'o' -> Long.toString(truncated(rendering, value), 8);
            case 'b' -> Long.toString(truncated(rendering, value), 2);
            default -> real(Kinds.real(value), kind, precision < 0 ? PRECISION_DEFAULT : precision);
        };
    }

    private static String real(double number, char kind, int precision) {
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return Printer.real(number);
        }
        String text = switch (Character.toLowerCase(kind)) {
            case 'f' -> fixed(number, precision);
            case 'e' -> scientific(number, precision);
            default -> general(number, Math.max(precision, 1));
        };
        return Character.isUpperCase(kind) ? text.toUpperCase(Locale.ROOT) : text;
    }

    private static String sign(double number) {
        return Math.copySign(1, number) < 0 ? "-" : "";
    }

    /// Exactly `precision` digits after the point.
    static String fixed(double number, int precision) {
        return sign(number)
                + new BigDecimal(Math.abs(number))
                        .setScale(precision, RoundingMode.HALF_EVEN)
                        .toPlainString();
    }

    private static String scientific(double number, int precision) {
        BigDecimal rounded = new BigDecimal(Math.abs(number)).round(new MathContext(precision + 1));
        String digits = rounded.unscaledValue().toString();
        int exponent = number == 0 ? 0 : digits.length() - 1 - rounded.scale();
        digits = digits + "0".repeat(Math.max(0, precision + 1 - digits.length()));
        return sign(number) + digits.charAt(0) + (precision > 0 ? "." + digits.substring(1, precision + 1) : "") + "e"
                + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }

    private static String general(double number, int precision) {
        if (number == 0) {
            return sign(number) + "0";
        }
        BigDecimal rounded = new BigDecimal(Math.abs(number)).round(new MathContext(precision, RoundingMode.HALF_EVEN));
        int exponent = rounded.precision() - 1 - rounded.scale();
        if (exponent >= -4 && exponent < precision) {
            return sign(number) + rounded.stripTrailingZeros().toPlainString();
        }
        String text = scientific(number, precision - 1);
        int mark = text.indexOf('e');
        String mantissa = text.substring(0, mark);
        if (mantissa.indexOf('.') >= 0) {
            mantissa = mantissa.replaceAll("\\.?0+$", "");
        }
        return mantissa + text.substring(mark);
    }

    private static long truncated(Rendering rendering, Value value) {
        return Kinds.isWhole(value) ? Kinds.whole(value) : truncated(rendering, Kinds.real(value));
    }

    /// The base that the mark at the start of a number says: `0x`, `0o` or `0b`; ten without one.
    public static int radix(String digits) {
        if (digits.length() < 3 || digits.charAt(0) != '0') {
            return 10;
        }
        return switch (digits.charAt(1)) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 10;
        };
    }

    /// Python's `int` of a float.
    public static long truncated(Rendering rendering, double number) {
        if (Double.isNaN(number) || Math.abs(number) >= 0x1p63) {
            throw rendering.invalid("cannot convert float " + Printer.real(number) + " to an integer of 64 bits");
        }
        return (long) number;
    }
}
