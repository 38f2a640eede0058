package dev.trimtab.template.syntax;

import dev.trimtab.template.value.Value;

/// One token of a template: its kind, its text, the value of a literal, and the line it starts on.
record Token(Kind kind, String text, Value value, int line) {
    enum Kind {
        /// Text outside tags, as it will be printed.
        DATA,
        /// `{{` and `}}`.
        PRINT_BEGIN,
        PRINT_END,
        /// `{%` and `%}`.
        TAG_BEGIN,
        TAG_END,
        NAME,
        STRING,
        NUMBER,
        OPERATOR,
        END
    }

    boolean isOperator(String symbol) {
        return kind == Kind.OPERATOR && text.equals(symbol);
    }

    boolean isName(String name) {
        return kind == Kind.NAME && text.equals(name);
    }

    /// How an error message names it.
    String described() {
        return switch (kind) {
            case DATA -> "text";
            case PRINT_BEGIN, PRINT_END, TAG_BEGIN, TAG_END, NAME, OPERATOR, NUMBER -> "'" + text + "'";
            case STRING -> "a string";
            case END -> "the end of the template";
        };
    }
}
