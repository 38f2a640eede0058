package dev.trimtab.tokenizer.huggingface;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.tokenizer.regex.Regex;

/// What `Split` and `Replace` look for: a text as it is, or a regular expression.
sealed interface Pattern {
    /// Takes the parts of a text, in order: what matched, and what stands between.
    @FunctionalInterface
    interface Spans {
        void accept(int start, int end, boolean isMatch);
    }

    /// Cuts all of `text` into matches and gaps; a match may be empty, a gap is not.
    void cut(String text, Spans spans);

    record Literal(String text) implements Pattern {
        @Override
        public void cut(String in, Spans spans) {
            int gap = 0;
            for (int i = in.indexOf(text); i >= 0; i = in.indexOf(text, gap)) {
                span(gap, i, spans);
                gap = i + text.length();
                spans.accept(i, gap, true);
            }
            span(gap, in.length(), spans);
        }
    }

    record Expression(Regex regex) implements Pattern {
        @Override
        public void cut(String in, Spans spans) {
            Regex.Search search = regex.in(in);
            int gap = 0;
            int from = 0;
            while (from <= in.length() && search.find(from)) {
                span(gap, search.start(), spans);
                spans.accept(search.start(), search.end(), true);
                gap = search.end();
                boolean empty = search.start() == search.end();
                from = empty && gap < in.length() ? in.offsetByCodePoints(gap, 1) : gap + (empty ? 1 : 0);
            }
            span(gap, in.length(), spans);
        }
    }

    private static void span(int start, int end, Spans spans) {
        if (start < end) {
            spans.accept(start, end, false);
        }
    }

    static Pattern regex(String pattern) {
        return new Expression(Regex.compile(pattern));
    }

    /// `{"String": ...}` or `{"Regex": ...}`.
    static Pattern of(Json json) {
        if (json.find("Regex").isPresent()) {
            return regex(json.text("Regex"));
        }
        String text = json.text("String");
        if (text.isEmpty()) {
            throw BadCheckpoint.mismatch(json.where(), "a text to look for", "an empty one");
        }
        return new Literal(text);
    }

    /// `text` with `content` in place of each match.
    default String replace(String text, String content) {
        StringBuilder replaced = new StringBuilder(text.length());
        cut(text, (start, end, isMatch) -> {
            if (isMatch) {
                replaced.append(content);
            } else {
                replaced.append(text, start, end);
            }
        });
        return replaced.toString();
    }
}
