package dev.trimtab.tokenizer.regex;

import dev.trimtab.tokenizer.text.CharacterKind;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/// A set of code points, such as `\p{L}` or `[^\s\p{N}]`: a bitmap for ASCII, a question for the rest.
final class CodePoints {
    /// The two letters of each general category, at the number that Java gives it.
    private static final String[] CATEGORIES = new String[Character.FINAL_QUOTE_PUNCTUATION + 1];

    static {
        Arrays.fill(CATEGORIES, "??");
        byte[] numbers = {
            Character.UNASSIGNED,
            Character.UPPERCASE_LETTER,
            Character.LOWERCASE_LETTER,
            Character.TITLECASE_LETTER,
            Character.MODIFIER_LETTER,
            Character.OTHER_LETTER,
            Character.NON_SPACING_MARK,
            Character.ENCLOSING_MARK,
            Character.COMBINING_SPACING_MARK,
            Character.DECIMAL_DIGIT_NUMBER,
            Character.LETTER_NUMBER,
            Character.OTHER_NUMBER,
            Character.SPACE_SEPARATOR,
            Character.LINE_SEPARATOR,
            Character.PARAGRAPH_SEPARATOR,
            Character.CONTROL,
            Character.FORMAT,
            Character.PRIVATE_USE,
            Character.SURROGATE,
            Character.DASH_PUNCTUATION,
            Character.START_PUNCTUATION,
            Character.END_PUNCTUATION,
            Character.CONNECTOR_PUNCTUATION,
            Character.OTHER_PUNCTUATION,
            Character.MATH_SYMBOL,
            Character.CURRENCY_SYMBOL,
            Character.MODIFIER_SYMBOL,
            Character.OTHER_SYMBOL,
            Character.INITIAL_QUOTE_PUNCTUATION,
            Character.FINAL_QUOTE_PUNCTUATION
        };
        String names = "CnLuLlLtLmLoMnMeMcNdNlNoZsZlZpCcCfCoCsPdPsPePcPoSmScSkSoPiPf";
        for (int i = 0; i < numbers.length; i++) {
            CATEGORIES[numbers[i]] = names.substring(2 * i, 2 * i + 2);
        }
    }

    static final CodePoints ALL = new CodePoints(_ -> true);
    static final CodePoints NONE = new CodePoints(_ -> false);
    static final CodePoints WHITE_SPACE = new CodePoints(CharacterKind::isWhiteSpace);
    static final CodePoints DIGIT = new CodePoints(Character::isDigit);
    static final CodePoints WORD = new CodePoints(Character::isAlphabetic)
            .or(categories("M"))
            .or(DIGIT)
            .or(new CodePoints(codePoint -> Character.getType(codePoint) == Character.CONNECTOR_PUNCTUATION));

    private static final int ASCII_END = 128;

    /// Properties by the names that patterns use besides categories and scripts, in lower case.
    private static final Map<String, CodePoints> PROPERTIES = Map.ofEntries(
            Map.entry("alpha", new CodePoints(Character::isAlphabetic)),
            Map.entry("alnum", new CodePoints(Character::isAlphabetic).or(categories("N"))),
            Map.entry("digit", DIGIT),
            Map.entry("space", WHITE_SPACE),
            Map.entry("whitespace", WHITE_SPACE),
            Map.entry("white_space", WHITE_SPACE),
            Map.entry("upper", new CodePoints(Character::isUpperCase)),
            Map.entry("lower", new CodePoints(Character::isLowerCase)),
            Map.entry("punct", categories("P").or(ascii("$+<=>^`|~"))),
            Map.entry("word", WORD),
            Map.entry("letter", categories("L")),
            Map.entry("mark", categories("M")),
            Map.entry("number", categories("N")),
            Map.entry("punctuation", categories("P")),
            Map.entry("symbol", categories("S")),
            Map.entry("separator", categories("Z")),
            Map.entry("any", ALL));

    private final IntPredicate predicate;
    private final long low;
    private final long high;

    private CodePoints(IntPredicate predicate) {
        this.predicate = predicate;
        low = bits(predicate, 0);
        high = bits(predicate, Long.SIZE);
    }

    private static long bits(IntPredicate predicate, int start) {
        long bits = 0;
        for (int i = 0; i < Long.SIZE; i++) {
            bits |= predicate.test(start + i) ? 1L << i : 0;
        }
        return bits;
    }

    boolean holds(int codePoint) {
        if (codePoint < ASCII_END) {
            return ((codePoint < Long.SIZE ? low : high) >>> codePoint & 1) != 0;
        }
        return predicate.test(codePoint);
    }

    static CodePoints of(int codePoint) {
        return range(codePoint, codePoint);
    }

    /// From `first` to `last`, both in it.
    static CodePoints range(int first, int last) {
        return new CodePoints(codePoint -> codePoint >= first && codePoint <= last);
    }

    private static CodePoints ascii(String characters) {
        return new CodePoints(codePoint -> characters.indexOf(codePoint) >= 0);
    }

    /// Every category that begins with one of `letters`.
    private static CodePoints categories(String letters) {
        return new CodePoints(codePoint -> letters.indexOf(CATEGORIES[Character.getType(codePoint)].charAt(0)) >= 0);
    }

    /// What `\p{name}` means: a general category (`L`, `Lu`, `L&`), a script (`Han`, `Script=Han`), or a
    /// property (`Alpha`, `Punct`). Case and a leading `Is` do not matter.
    static Optional<CodePoints> property(String name) {
        String plain =
                name.replaceFirst("^(?i:script|sc|general_category|gc)=", "").replaceFirst("^(?i:is)", "");
        String lower = plain.toLowerCase(Locale.ROOT);
        if (PROPERTIES.containsKey(lower)) {
            return Optional.of(PROPERTIES.get(lower));
        }
        if (lower.equals("l&") || lower.equals("lc")) {
            return category("Lu").or(() -> category("Ll")).map(_ -> casedLetters());
        }
        return category(plain).or(() -> script(plain));
    }

    private static CodePoints casedLetters() {
        return new CodePoints(codePoint -> "LuLlLt".contains(CATEGORIES[Character.getType(codePoint)]));
    }

    private static Optional<CodePoints> category(String name) {
        if (name.length() == 1 && "LMNPSZC".contains(name)) {
            return Optional.of(categories(name));
        }
        return Arrays.asList(CATEGORIES).contains(name)
                ? Optional.of(new CodePoints(codePoint -> CATEGORIES[Character.getType(codePoint)].equals(name)))
                : Optional.empty();
    }

    private static Optional<CodePoints> script(String name) {
        try {
            Character.UnicodeScript script = Character.UnicodeScript.forName(name);
            return Optional.of(new CodePoints(codePoint -> Character.UnicodeScript.of(codePoint) == script));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    CodePoints or(CodePoints other) {
        return new CodePoints(codePoint -> holds(codePoint) || other.holds(codePoint));
    }

    CodePoints and(CodePoints other) {
        return new CodePoints(codePoint -> holds(codePoint) && other.holds(codePoint));
    }

    CodePoints negated() {
        return new CodePoints(codePoint -> !holds(codePoint));
    }

    /// This set and whatever differs from its members in case alone.
    CodePoints ignoringCase() {
        return new CodePoints(codePoint -> holds(codePoint)
                || holds(Character.toLowerCase(codePoint))
                || holds(Character.toUpperCase(codePoint))
                || holds(Character.toLowerCase(Character.toUpperCase(codePoint))));
    }
}
