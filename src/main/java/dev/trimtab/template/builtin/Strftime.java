package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Rendering;
import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/// Python's `strftime`, in the C locale.
final class Strftime {
    /// A directive costs about as much as this many nodes.
    private static final int DIRECTIVE_STEPS = 16;

    private Strftime() {}

    static String format(Rendering rendering, String pattern, ZonedDateTime time) {
        var out = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c != '%' || i + 1 == pattern.length()) {
                out.append(c);
                continue;
            }
            char directive = pattern.charAt(++i);
            boolean unpadded = directive == '-' && i + 1 < pattern.length();
            if (unpadded) {
                directive = pattern.charAt(++i);
            }
            String text = directive(directive, time);
            rendering.makes(text.length());
            rendering.steps(DIRECTIVE_STEPS);
            out.append(unpadded ? text.replaceFirst("^0+(?=\\d)", "") : text);
        }
        return out.toString();
    }

    private static String directive(char directive, ZonedDateTime time) {
        return switch (directive) {
            case 'Y' -> Integer.toString(time.getYear());
            case 'y' -> padded(time.getYear() % 100, 2);
            case 'm' -> padded(time.getMonthValue(), 2);
            case 'd' -> padded(time.getDayOfMonth(), 2);
            case 'e' -> (time.getDayOfMonth() < 10 ? " " : "") + time.getDayOfMonth();
            case 'H' -> padded(time.getHour(), 2);
            case 'I' -> padded(time.get(ChronoField.CLOCK_HOUR_OF_AMPM), 2);
            case 'M' -> padded(time.getMinute(), 2);
            case 'S' -> padded(time.getSecond(), 2);
            case 'f' -> padded(time.getNano() / 1000, 6);
            case 'j' -> padded(time.getDayOfYear(), 3);
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
            case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
            case 'U' -> padded((time.getDayOfYear() + 6 - time.getDayOfWeek().getValue() % 7) / 7, 2);
            case 'W' -> padded((time.getDayOfYear() + 7 - time.getDayOfWeek().getValue()) / 7, 2);
            case 'V' -> padded(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2);
            case 'G' -> Integer.toString(time.get(IsoFields.WEEK_BASED_YEAR));
            // The clock Hugging Face reads has no zone.
            case 'z', 'Z' -> "";
            case 's' -> Long.toString(time.toEpochSecond());
            case 'n' -> "\n";
            case 't' -> "\t";
            case '%' -> "%";
            case 'D', 'x' -> directives("m/d/y", time);
            case 'F' -> directives("Y-m-d", time);
            case 'T', 'X' -> directives("H:M:S", time);
            case 'R' -> directives("H:M", time);
            case 'c' -> directives("a b e T Y", time);
            default -> "%" + directive;
        };
    }

    /// Several directives in a row, with the marks between them as they are.
    private static String directives(String pattern, ZonedDateTime time) {
        var out = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            out.append(Character.isLetter(c) ? directive(c, time) : String.valueOf(c));
        }
        return out.toString();
    }

    private static String padded(int number, int digits) {
        String text = Integer.toString(number);
        return "0".repeat(Math.max(0, digits - text.length())) + text;
    }
}
