package dev.trimtab.template.builtin;

import dev.trimtab.template.value.Texts;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Python's ways of cutting a text into parts.
final class Splitting {
    private Splitting() {}

    /// At `separator`, at most `max` times from the left; a negative `max` is no limit.
    static List<String> fromLeft(String text, String separator, long max) {
        List<String> parts = new ArrayList<>();
        int start = 0;
        for (int at = text.indexOf(separator);
                at >= 0 && (max < 0 || parts.size() < max);
                at = text.indexOf(separator, start)) {
            parts.add(text.substring(start, at));
            start = at + separator.length();
        }
        parts.add(text.substring(start));
        return parts;
    }

    /// At `separator`, at most `max` times from the right.
    static List<String> fromRight(String text, String separator, long max) {
        List<String> parts = new ArrayList<>();
        int end = text.length();
        for (int at = lastIndex(text, separator, end);
                at >= 0 && (max < 0 || parts.size() < max);
                at = lastIndex(text, separator, end)) {
            parts.add(text.substring(at + separator.length(), end));
            end = at;
        }
        parts.add(text.substring(0, end));
        Collections.reverse(parts);
        return parts;
    }

    private static int lastIndex(String text, String separator, int end) {
        return end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
    }

    /// At runs of white space, at most `max` times from the left; no part is empty.
    static List<String> words(String text, long max) {
        List<String> words = new ArrayList<>();
        int at = skip(text, 0, true);
        while (at < text.length()) {
            boolean rest = max >= 0 && words.size() == max;
            int end = rest ? Texts.stripEnd(text).length() : skip(text, at, false);
            words.add(rest ? text.substring(at) : text.substring(at, end));
            at = rest ? text.length() : skip(text, end, true);
        }
        return words;
    }

    private static int skip(String text, int from, boolean space) {
        int at = from;
        while (at < text.length() && Texts.isSpace(text.charAt(at)) == space) {
            at++;
        }
        return at;
    }

    /// At runs of white space, at most `max` times from the right.
    static List<String> wordsFromRight(String text, long max) {
        List<String> words = new ArrayList<>();
        String rest = Texts.stripEnd(text);
        while (!rest.isEmpty() && (max < 0 || words.size() < max)) {
            int start = rest.length();
            while (start > 0 && !Texts.isSpace(rest.charAt(start - 1))) {
                start--;
            }
            words.add(rest.substring(start));
            rest = Texts.stripEnd(rest.substring(0, start));
        }
        if (!rest.isEmpty()) {
            words.add(rest);
        }
        Collections.reverse(words);
        return words;
    }

    /// At line ends, which are kept or not; a line end at the end of the text starts no further line.
    static List<String> lines(String text, boolean keepEnds) {
        List<String> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            if (!isLineEnd(text.charAt(i))) {
                continue;
            }
            int end = text.startsWith("\r\n", i) ? i + 2 : i + 1;
            lines.add(text.substring(start, keepEnds ? end : i));
            start = end;
            i = end - 1;
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    private static boolean isLineEnd(char c) {
        return (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    }
}
