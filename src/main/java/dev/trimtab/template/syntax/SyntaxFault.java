package dev.trimtab.template.syntax;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.template.value.Texts;

/// How a template that does not parse is reported: line, what is wrong, and the line's text.
final class SyntaxFault {
    private static final int EXCERPT_MAX = 100;

    private SyntaxFault() {}

    static BadCheckpoint at(String source, int line, String what) {
        String text = source.lines().skip(line - 1L).findFirst().orElse("").strip();
        String excerpt =
                Texts.length(text) <= EXCERPT_MAX ? text : text.substring(0, Texts.offset(text, EXCERPT_MAX)) + "...";
        return new BadCheckpoint("chat template, line " + line + ": " + what + ", in: " + excerpt);
    }
}
