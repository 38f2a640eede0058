package dev.trimtab.template.syntax;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.template.value.Numbers;
import dev.trimtab.template.value.Value;

/// The literals of a template's source: strings with Python's escapes, integers and floats.
final class Literals {
    private Literals() {}

    /// The text that the inside of a string literal stands for. An unknown escape stays as it is written.
    static String unescape(String source, String raw, int line) {
        if (raw.indexOf('\\') < 0) {
            return raw;
        }
        var text = new StringBuilder(raw.length());
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c != '\\' || i + 1 == raw.length()) {
                text.append(c);
                continue;
            }
            char kind = raw.charAt(++i);
            switch (kind) {
                case '\n' -> {}
                case 'n' -> text.append('\n');
                case 't' -> text.append('\t');
                case 'r' -> text.append('\r');
                case 'a' -> text.append('\u0007');
                case 'b' -> text.append('\b');
                case 'f' -> text.append('\f');
                case 'v' -> text.append('\u000B');
                case '\\', '\'', '"' -> text.append(kind);
                case 'x' -> i = hexadecimal(source, raw, i, 2, text, line);
                case 'u' -> i = hexadecimal(source, raw, i, 4, text, line);
                case 'U' -> i = hexadecimal(source, raw, i, 8, text, line);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> i = octal(raw, i, text);
                case 'N' -> i = named(source, raw, i, text, line);
                default -> text.append('\\').append(kind);
            }
        }
        return text.toString();
    }

    /// Appends the character whose `digits` hexadecimal digits follow `at`; returns the index of the last of
    /// them.
    private static int hexadecimal(String source, String raw, int at, int digits, StringBuilder text, int line) {
        int end = at + 1 + digits;
        long codePoint = -1;
        if (end <= raw.length() && raw.substring(at + 1, end).chars().allMatch(Literals::isHexadecimal)) {
            codePoint = Long.parseLong(raw.substring(at + 1, end), 16);
        }
        if (codePoint < 0 || codePoint > Character.MAX_CODE_POINT) {
            throw SyntaxFault.at(
                    source,
                    line,
                    "expected " + digits + " hexadecimal digits of a character after '\\" + raw.charAt(at) + "'");
        }
        text.appendCodePoint((int) codePoint);
        return end - 1;
    }

    private static boolean isHexadecimal(int c) {
        return c < 0x80 && Character.digit(c, 16) >= 0;
    }

    private static int octal(String raw, int at, StringBuilder text) {
        int end = at;
        while (end < raw.length() && end < at + 3 && raw.charAt(end) >= '0' && raw.charAt(end) <= '7') {
            end++;
        }
        text.append((char) Integer.parseInt(raw.substring(at, end), 8));
        return end - 1;
    }

    private static int named(String source, String raw, int at, StringBuilder text, int line) {
        int close = raw.indexOf('}', at);
        if (close < 0 || at + 1 >= raw.length() || raw.charAt(at + 1) != '{') {
            throw SyntaxFault.at(source, line, "expected '{name}' after '\\N'");
        }
        String name = raw.substring(at + 2, close);
        try {
            text.appendCodePoint(Character.codePointOf(name));
        } catch (IllegalArgumentException _) {
            throw SyntaxFault.at(source, line, "no character is named '" + name + "'");
        }
        return close;
    }

    /// Where the number that starts at `start` ends.
    static int endOfNumber(String source, int start) {
        int radix = Numbers.radix(source.substring(start, Math.min(start + 3, source.length())));
        if (radix != 10 && Character.digit(source.charAt(start + 2), radix) >= 0) {
            return endOfDigits(source, start + 2, radix);
        }
        int end = endOfDigits(source, start, 10);
        if (end + 1 < source.length() && source.charAt(end) == '.' && isDigit(source.charAt(end + 1))) {
            end = endOfDigits(source, end + 1, 10);
        }
        if (end + 1 < source.length() && (source.charAt(end) == 'e' || source.charAt(end) == 'E')) {
            int exponent = source.charAt(end + 1) == '+' || source.charAt(end + 1) == '-' ? end + 2 : end + 1;
            if (exponent < source.length() && isDigit(source.charAt(exponent))) {
                end = endOfDigits(source, exponent, 10);
            }
        }
        return end;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static int endOfDigits(String source, int start, int radix) {
        int end = start;
        while (end < source.length()
                && (Character.digit(source.charAt(end), radix) >= 0
                        || (source.charAt(end) == '_'
                                && end + 1 < source.length()
                                && Character.digit(source.charAt(end + 1), radix) >= 0))) {
            end++;
        }
        return end;
    }

    /// The value of a number literal.
    static Value number(String source, String literal, int line) {
        String digits = literal.replace("_", "");
        int radix = Numbers.radix(digits);
        try {
            if (radix != 10) {
                return Value.of(Long.parseLong(digits.substring(2), radix));
            }
            boolean real = digits.indexOf('.') >= 0 || digits.indexOf('e') >= 0 || digits.indexOf('E') >= 0;
            return real ? new Value.Real(Double.parseDouble(digits)) : Value.of(Long.parseLong(digits));
        } catch (NumberFormatException _) {
            throw tooLarge(source, literal, line);
        }
    }

    private static BadCheckpoint tooLarge(String source, String literal, int line) {
        String shown = literal.length() <= 30 ? literal : literal.substring(0, 30) + "...";
        return SyntaxFault.at(source, line, "expected an integer of at most 64 bits, found " + shown);
    }
}
