package dev.trimtab.template.value;

/// Python's view of a string: counted and cut by code point, where Java counts UTF-16 units.
public final class Texts {
    private Texts() {}

    /// The text of a value that must be one.
    public static String of(Rendering rendering, Value value, String what) {
        return switch (value) {
            case Value.Text text -> text.text();
            case Value.Undefined undefined -> throw rendering.undefined(undefined);
            default -> throw rendering.invalid(what + " must be a string, found " + Kinds.nameOf(value));
        };
    }

    public static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /// Whether every character is one UTF-16 unit, so that Java's indexes are Python's.
    public static boolean isPlain(String text) {
        return length(text) == text.length();
    }

    /// The Java index of the code point `index`, which may be one past the last.
    public static int offset(String text, int index) {
        return isPlain(text) ? index : text.offsetByCodePoints(0, index);
    }

    /// The single character at `index`, from 0 to the length less one.
    public static String at(String text, int index) {
        int offset = offset(text, index);
        return text.substring(offset, text.offsetByCodePoints(offset, 1));
    }

    /// Characters that Python's `str.strip`, `split` and `isspace` take for white space.
    public static boolean isSpace(int codePoint) {
        return Character.isWhitespace(codePoint)
                || codePoint == 0x85
                || codePoint == 0xA0
                || codePoint == 0x2007
                || codePoint == 0x202F;
    }

    /// The text without leading and trailing white space.
    public static String strip(String text) {
        return stripEnd(stripStart(text));
    }

    public static String stripStart(String text) {
        int start = 0;
        while (start < text.length() && isSpace(text.charAt(start))) {
            start++;
        }
        return text.substring(start);
    }

    public static String stripEnd(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /// Order by code point, as Python compares strings; UTF-16 units order otherwise beyond the basic
    /// plane.
    public static int compare(String left, String right) {
        int mismatch = 0;
        int shorter = Math.min(left.length(), right.length());
        while (mismatch < shorter && left.charAt(mismatch) == right.charAt(mismatch)) {
            mismatch++;
        }
        if (mismatch == shorter) {
            return Integer.compare(left.length(), right.length());
        }
        char first = left.charAt(mismatch);
        char second = right.charAt(mismatch);
        boolean firstBeyond = Character.isSurrogate(first);
        boolean secondBeyond = Character.isSurrogate(second);
        return firstBeyond == secondBeyond ? Character.compare(first, second) : (firstBeyond ? 1 : -1);
    }
}
