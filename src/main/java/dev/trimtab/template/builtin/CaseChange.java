package dev.trimtab.template.builtin;

import java.util.Locale;

/// Python's changes of case.
final class CaseChange {
    private CaseChange() {}

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int end = text.offsetByCodePoints(0, 1);
        return text.substring(0, end).toUpperCase(Locale.ROOT)
                + text.substring(end).toLowerCase(Locale.ROOT);
    }

    /// `str.title`: a capital after everything that is not a letter.
    static String title(String text) {
        var out = new StringBuilder(text.length());
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int codePoint = text.codePointAt(i);
            i += Character.charCount(codePoint);
            out.appendCodePoint(inWord ? Character.toLowerCase(codePoint) : Character.toTitleCase(codePoint));
            inWord = isCased(codePoint);
        }
        return out.toString();
    }

    static String swap(String text) {
        var out = new StringBuilder(text.length());
        text.codePoints()
                .map(c -> Character.isUpperCase(c) ? Character.toLowerCase(c) : Character.toUpperCase(c))
                .forEach(out::appendCodePoint);
        return out.toString();
    }

    private static boolean isCased(int codePoint) {
        return Character.isUpperCase(codePoint) || Character.isLowerCase(codePoint) || Character.isTitleCase(codePoint);
    }

    /// Whether every letter with a case is lower, and there is one.
    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Character::isLowerCase)
                && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    /// Whether every letter with a case is a capital, and there is one.
    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Character::isUpperCase)
                && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    /// Whether every word starts with its only capital, and there is one.
    static boolean isTitle(String text) {
        boolean found = false;
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int codePoint = text.codePointAt(i);
            i += Character.charCount(codePoint);
            if (inWord ? !Character.isLowerCase(codePoint) && isCased(codePoint) : Character.isLowerCase(codePoint)) {
                return false;
            }
            inWord = isCased(codePoint);
            found |= inWord;
        }
        return found;
    }
}
