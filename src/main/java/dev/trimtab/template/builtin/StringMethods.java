package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Texts;
import dev.trimtab.template.value.Value;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/// The methods of Python's `str`, without those about bytes and translation tables.
final class StringMethods {
    private static final int TAB_SIZE = 8;

    /// The ends of a text that `strip` and its kin work on.
    enum Side {
        LEFT,
        RIGHT,
        BOTH
    }

    static final Map<String, Method<String>> TABLE = Map.ofEntries(
            // Case.
            Map.entry("capitalize", (rendering, text, _) -> rendering.text(CaseChange.capitalize(text))),
            Map.entry(
                    "casefold",
                    (rendering, text, _) ->
                            rendering.text(text.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT))),
            Map.entry("lower", (rendering, text, _) -> rendering.text(text.toLowerCase(Locale.ROOT))),
            Map.entry("swapcase", (rendering, text, _) -> rendering.text(CaseChange.swap(text))),
            Map.entry("title", (rendering, text, _) -> rendering.text(CaseChange.title(text))),
            Map.entry("upper", (rendering, text, _) -> rendering.text(text.toUpperCase(Locale.ROOT))),
            // Ends.
            Map.entry("lstrip", (rendering, text, arguments) -> strip(rendering, text, arguments, Side.LEFT)),
            Map.entry("rstrip", (rendering, text, arguments) -> strip(rendering, text, arguments, Side.RIGHT)),
            Map.entry("strip", (rendering, text, arguments) -> strip(rendering, text, arguments, Side.BOTH)),
            Map.entry("startswith", (rendering, text, arguments) -> matches(rendering, text, arguments, Side.LEFT)),
            Map.entry("endswith", (rendering, text, arguments) -> matches(rendering, text, arguments, Side.RIGHT)),
            Map.entry("removeprefix", StringMethods::removePrefix),
            Map.entry("removesuffix", StringMethods::removeSuffix),
            // Search.
            Map.entry("count", StringMethods::count),
            Map.entry("find", (rendering, text, arguments) -> Value.of(find(rendering, text, arguments, Side.LEFT))),
            Map.entry("rfind", (rendering, text, arguments) -> Value.of(find(rendering, text, arguments, Side.RIGHT))),
            Map.entry("index", (rendering, text, arguments) -> index(rendering, text, arguments, Side.LEFT)),
            Map.entry("rindex", (rendering, text, arguments) -> index(rendering, text, arguments, Side.RIGHT)),
            Map.entry("replace", Replacement::replace),
            // Parts.
            Map.entry("split", (rendering, text, arguments) -> split(rendering, text, arguments, Side.LEFT)),
            Map.entry("rsplit", (rendering, text, arguments) -> split(rendering, text, arguments, Side.RIGHT)),
            Map.entry("splitlines", StringMethods::splitLines),
            Map.entry("partition", (rendering, text, arguments) -> partition(rendering, text, arguments, Side.LEFT)),
            Map.entry("rpartition", (rendering, text, arguments) -> partition(rendering, text, arguments, Side.RIGHT)),
            Map.entry("join", StringMethods::join),
            // Layout.
            Map.entry(
                    "center",
                    (rendering, text, arguments) -> rendering.text(
                            Padding.center(rendering, text, width(rendering, arguments), fill(rendering, arguments)))),
            Map.entry(
                    "ljust",
                    (rendering, text, arguments) -> rendering.text(
                            Padding.left(rendering, text, width(rendering, arguments), fill(rendering, arguments)))),
            Map.entry(
                    "rjust",
                    (rendering, text, arguments) -> rendering.text(
                            Padding.right(rendering, text, width(rendering, arguments), fill(rendering, arguments)))),
            Map.entry(
                    "zfill",
                    (rendering, text, arguments) ->
                            rendering.text(Padding.zeros(rendering, text, width(rendering, arguments)))),
            Map.entry("expandtabs", StringMethods::expandTabs),
            Map.entry(
                    "format",
                    (rendering, text, arguments) -> rendering.text(BraceFormat.format(rendering, text, arguments))),
            // Questions.
            Map.entry("isalnum", all(Character::isLetterOrDigit)),
            Map.entry("isalpha", all(Character::isLetter)),
            Map.entry("isascii", question(text -> text.chars().allMatch(c -> c < 0x80))),
            Map.entry("isdecimal", all(Character::isDigit)),
            Map.entry("isdigit", all(c -> Character.isDigit(c) || isRaisedDigit(c))),
            Map.entry("isnumeric", all(c -> Character.isDigit(c) || isNumber(c))),
            Map.entry("isidentifier", question(text -> isIdentifier(text))),
            Map.entry("islower", question(text -> CaseChange.isLower(text))),
            Map.entry("isupper", question(text -> CaseChange.isUpper(text))),
            Map.entry("istitle", question(text -> CaseChange.isTitle(text))),
            Map.entry("isprintable", question(text -> text.codePoints().allMatch(Printer::isPrintable))),
            Map.entry("isspace", all(Texts::isSpace)));

    private StringMethods() {}

    /// Whether every character is of a kind, and there is one.
    private static Method<String> all(IntPredicate kind) {
        return question(text -> !text.isEmpty() && text.codePoints().allMatch(kind));
    }

    private static Method<String> question(Predicate<String> question) {
        return (rendering, text, _) -> {
            rendering.reads(text.length());
            return Value.of(question.test(text));
        };
    }

    /// Superscript and subscript digits, which Python counts as digits.
    private static boolean isRaisedDigit(int c) {
        return c == 0xB2
                || c == 0xB3
                || c == 0xB9
                || c == 0x2070
                || (c >= 0x2074 && c <= 0x2079)
                || (c >= 0x2080 && c <= 0x2089);
    }

    private static boolean isNumber(int codePoint) {
        int type = Character.getType(codePoint);
        return type == Character.LETTER_NUMBER || type == Character.OTHER_NUMBER;
    }

    private static boolean isIdentifier(String text) {
        return !text.isEmpty()
                && (Character.isUnicodeIdentifierStart(text.codePointAt(0)) || text.charAt(0) == '_')
                && text.codePoints().allMatch(Character::isUnicodeIdentifierPart);
    }

    /// Without the white space, or the characters of the first argument, at its ends.
    static Value strip(Rendering rendering, String text, Arguments arguments, Side side) {
        Value chars = arguments.get(0, "chars", Value.NONE);
        rendering.reads(text.length());
        if (chars instanceof Value.None) {
            return Value.of(
                    switch (side) {
                        case LEFT -> Texts.stripStart(text);
                        case RIGHT -> Texts.stripEnd(text);
                        case BOTH -> Texts.strip(text);
                    });
        }
        String stripped = Texts.of(rendering, chars, "strip argument");
        int start = 0;
        int end = text.length();
        while (side != Side.RIGHT && start < end && stripped.indexOf(text.codePointAt(start)) >= 0) {
            rendering.step();
            start += Character.charCount(text.codePointAt(start));
        }
        while (side != Side.LEFT && end > start && stripped.indexOf(text.codePointBefore(end)) >= 0) {
            rendering.step();
            end -= Character.charCount(text.codePointBefore(end));
        }
        return Value.of(text.substring(start, end));
    }

    private static Value matches(Rendering rendering, String text, Arguments arguments, Side side) {
        String within = within(rendering, text, arguments).text();
        Value wanted = arguments.require(rendering, 0, "prefix");
        List<Value> choices = wanted instanceof Value.Items items && items.shape() == Value.Shape.TUPLE
                ? Sequences.values(rendering, items)
                : List.of(wanted);
        for (Value choice : choices) {
            String part = Texts.of(rendering, choice, "prefix");
            rendering.reads(part.length());
            if (side == Side.LEFT ? within.startsWith(part) : within.endsWith(part)) {
                return Value.TRUE;
            }
        }
        return Value.FALSE;
    }

    /// The stretch of the text that the arguments after the first bound, and the code points before it.
    private record Stretch(String text, long before) {}

    private static Stretch within(Rendering rendering, String text, Arguments arguments) {
        if (arguments.positional().size() < 2) {
            return new Stretch(text, 0);
        }
        Value start = arguments.positional().get(1);
        Value stop = arguments.get(2, "end", Value.NONE);
        Value cut = Sequences.slice(rendering, Value.of(text), start, stop, Value.NONE);
        long length = Texts.length(text);
        long from = start instanceof Value.None ? 0 : Kinds.whole(start);
        return new Stretch(((Value.Text) cut).text(), Math.clamp(from < 0 ? from + length : from, 0, length));
    }

    private static Value removePrefix(Rendering rendering, String text, Arguments arguments) {
        String prefix = arguments.text(rendering, 0, "prefix");
        rendering.reads(prefix.length());
        return text.startsWith(prefix) ? rendering.text(text.substring(prefix.length())) : Value.of(text);
    }

    private static Value removeSuffix(Rendering rendering, String text, Arguments arguments) {
        String suffix = arguments.text(rendering, 0, "suffix");
        rendering.reads(suffix.length());
        return text.endsWith(suffix)
                ? rendering.text(text.substring(0, text.length() - suffix.length()))
                : Value.of(text);
    }

    private static Value count(Rendering rendering, String text, Arguments arguments) {
        String part = arguments.text(rendering, 0, "sub");
        String within = within(rendering, text, arguments).text();
        rendering.searches(within, part);
        if (part.isEmpty()) {
            return Value.of(Texts.length(within) + 1L);
        }
        long count = 0;
        for (int at = within.indexOf(part); at >= 0; at = within.indexOf(part, at + part.length())) {
            count++;
        }
        return Value.of(count);
    }

    private static long find(Rendering rendering, String text, Arguments arguments, Side side) {
        String part = arguments.text(rendering, 0, "sub");
        Stretch within = within(rendering, text, arguments);
        rendering.searches(within.text(), part);
        int at = side == Side.LEFT ? within.text().indexOf(part) : within.text().lastIndexOf(part);
        return at < 0 ? -1 : within.before() + within.text().codePointCount(0, at);
    }

    private static Value index(Rendering rendering, String text, Arguments arguments, Side side) {
        long at = find(rendering, text, arguments, side);
        if (at < 0) {
            throw rendering.invalid("substring not found");
        }
        return Value.of(at);
    }

    private static Value split(Rendering rendering, String text, Arguments arguments, Side side) {
        long max = arguments.whole(rendering, 1, "maxsplit", -1);
        Value separator = arguments.get(0, "sep", Value.NONE);
        rendering.makes(text.length());
        if (separator instanceof Value.None) {
            return rendering.texts(
                    side == Side.LEFT ? Splitting.words(text, max) : Splitting.wordsFromRight(text, max));
        }
        String given = separator(rendering, separator);
        rendering.searches(text, given);
        return rendering.texts(
                side == Side.LEFT ? Splitting.fromLeft(text, given, max) : Splitting.fromRight(text, given, max));
    }

    private static String separator(Rendering rendering, Value separator) {
        String text = Texts.of(rendering, separator, "separator");
        if (text.isEmpty()) {
            throw rendering.invalid("empty separator");
        }
        return text;
    }

    private static Value splitLines(Rendering rendering, String text, Arguments arguments) {
        rendering.makes(text.length());
        return rendering.texts(Splitting.lines(text, arguments.flag(0, "keepends")));
    }

    private static Value partition(Rendering rendering, String text, Arguments arguments, Side side) {
        String separator = separator(rendering, arguments.require(rendering, 0, "sep"));
        rendering.searches(text, separator);
        int at = side == Side.LEFT ? text.indexOf(separator) : text.lastIndexOf(separator);
        if (at < 0) {
            Value whole = Value.of(text);
            return rendering.tuple(
                    side == Side.LEFT
                            ? List.of(whole, Value.EMPTY_TEXT, Value.EMPTY_TEXT)
                            : List.of(Value.EMPTY_TEXT, Value.EMPTY_TEXT, whole));
        }
        Value before = rendering.text(text.substring(0, at));
        Value after = rendering.text(text.substring(at + separator.length()));
        return rendering.tuple(List.of(before, Value.of(separator), after));
    }

    private static Value join(Rendering rendering, String text, Arguments arguments) {
        var out = new StringBuilder();
        String before = "";
        for (Value value : Sequences.values(rendering, arguments.require(rendering, 0, "iterable"))) {
            String part = Texts.of(rendering, value, "sequence item");
            rendering.makes((long) before.length() + part.length());
            out.append(before).append(part);
            before = text;
        }
        return Value.of(out.toString());
    }

    private static long width(Rendering rendering, Arguments arguments) {
        arguments.require(rendering, 0, "width");
        return arguments.whole(rendering, 0, "width", 0);
    }

    private static String fill(Rendering rendering, Arguments arguments) {
        return arguments.text(rendering, 1, "fillchar", " ");
    }

    private static Value expandTabs(Rendering rendering, String text, Arguments arguments) {
        long size = arguments.whole(rendering, 0, "tabsize", TAB_SIZE);
        var out = new StringBuilder(text.length());
        long column = 0;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int codePoint = text.codePointAt(i);
            if (codePoint == '\t') {
                long spaces = size <= 0 ? 0 : size - column % size;
                out.append(Padding.spaces(rendering, spaces));
                column += spaces;
            } else {
                out.appendCodePoint(codePoint);
                column = codePoint == '\n' || codePoint == '\r' ? 0 : column + 1;
            }
        }
        return rendering.text(out.toString());
    }
}
