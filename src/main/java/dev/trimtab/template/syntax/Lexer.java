package dev.trimtab.template.syntax;

import dev.trimtab.template.syntax.Token.Kind;
import dev.trimtab.template.value.Texts;
import dev.trimtab.template.value.Value;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// Cuts a template into tokens, white space control included:
///
/// 1. `{{ expression }}`, `{% tag %}`, `{# comment #}` and, between them, data.
/// 2. A tag or comment alone on its line takes its indentation (`lstrip_blocks`) and one line end after
///    it (`trim_blocks`) with it; `{%+` and `+%}` keep them.
/// 3. `{%-`, `{{-`, `{#-` drop all white space before, `-%}`, `-}}`, `-#}` all after.
/// 4. `{% raw %}` to `{% endraw %}` is data.
/// 5. One line end at the end of the source is dropped, and `\r\n` reads as `\n`.
final class Lexer {
    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    private int lineCounted;

    /// Whether the data that comes next starts a line of the source.
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    /// All tokens of the source, the last of them [Kind#END].
    static List<Token> tokens(String source) {
        String text = source.replace("\r\n", "\n").replace('\r', '\n');
        var lexer = new Lexer(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        while (position < source.length()) {
            int open = nextOpening(position);
            if (open < 0) {
                data(source.substring(position), position);
                position = source.length();
                break;
            }
            opening(open);
        }
        add(Kind.END, "", source.length());
    }

    private int nextOpening(int from) {
        for (int brace = source.indexOf('{', from); brace >= 0; brace = source.indexOf('{', brace + 1)) {
            if (brace + 1 < source.length() && "{%#".indexOf(source.charAt(brace + 1)) >= 0) {
                return brace;
            }
        }
        return -1;
    }

    /// Emits the data before the tag that opens at `open`, then the tag.
    private void opening(int open) {
        char kind = source.charAt(open + 1);
        char sign = charAt(open + 2);
        boolean signed = sign == '-' || sign == '+';
        data(before(position, open, signed ? sign : ' ', kind == '{'), position);
        position = open + (signed ? 3 : 2);
        if (kind == '#') {
            comment(open);
        } else if (kind == '{') {
            add(Kind.PRINT_BEGIN, "{{", open);
            inside("}}", Kind.PRINT_END, open);
        } else if (isWordAt("raw", skipSpace(position))) {
            raw(open);
        } else {
            add(Kind.TAG_BEGIN, "{%", open);
            inside("%}", Kind.TAG_END, open);
        }
    }

    /// The data from `start` to a tag at `end`, less what the tag's sign strips of it.
    private String before(int start, int end, char sign, boolean prints) {
        String text = source.substring(start, end);
        if (sign == '-') {
            return Texts.stripEnd(text);
        }
        if (sign == '+' || prints) {
            return text;
        }
        int lineStart = text.lastIndexOf('\n') + 1;
        boolean alone = (lineStart > 0 || lineStarts)
                && Texts.strip(text.substring(lineStart)).isEmpty();
        return alone ? text.substring(0, lineStart) : text;
    }

    private void data(String text, int at) {
        if (!text.isEmpty()) {
            add(Kind.DATA, text, at);
        }
    }

    private void comment(int open) {
        int close = source.indexOf("#}", position);
        if (close < 0) {
            throw SyntaxFault.at(source, lineOf(open), "a comment without '#}'");
        }
        boolean strips = source.charAt(close - 1) == '-' && close - 1 >= position;
        boolean keeps = source.charAt(close - 1) == '+' && close - 1 >= position;
        after(close + 2, strips, !keeps);
    }

    /// Goes on behind a closing mark that ends at `end`.
    private void after(int end, boolean strips, boolean trims) {
        position = end;
        if (strips) {
            position = skipSpace(end);
        } else if (trims && charAt(end) == '\n') {
            position = end + 1;
        }
        lineStarts = charAt(position - 1) == '\n';
    }

    private void raw(int open) {
        int nameEnd = skipSpace(position) + "raw".length();
        int close = skipSpace(nameEnd);
        boolean strips = charAt(close) == '-';
        if (!source.startsWith("%}", strips ? close + 1 : close)) {
            throw SyntaxFault.at(source, lineOf(open), "expected '%}' after 'raw'");
        }
        int start = strips ? skipSpace(close + 3) : close + 2;
        for (int tag = source.indexOf("{%", start); tag >= 0; tag = source.indexOf("{%", tag + 2)) {
            char sign = charAt(tag + 2);
            boolean signed = sign == '-' || sign == '+';
            int name = skipSpace(tag + (signed ? 3 : 2));
            int end = skipSpace(name + "endraw".length());
            char endSign = charAt(end);
            boolean endSigned = endSign == '-' || endSign == '+';
            int mark = endSigned ? end + 1 : end;
            if (isWordAt("endraw", name) && source.startsWith("%}", mark)) {
                lineStarts = charAt(start - 1) == '\n';
                data(before(start, tag, signed ? sign : ' ', false), start);
                after(mark + 2, endSign == '-', endSign != '+');
                return;
            }
        }
        throw SyntaxFault.at(source, lineOf(open), "'raw' without 'endraw'");
    }

    /// Emits the tokens of a tag up to and with its closing mark, which counts only outside brackets.
    private void inside(String closing, Kind closingKind, int open) {
        Deque<Character> brackets = new ArrayDeque<>();
        while (true) {
            position = skipSpace(position);
            if (position >= source.length()) {
                throw SyntaxFault.at(source, lineOf(open), "expected '" + closing + "', found the end of the template");
            }
            if (brackets.isEmpty() && closes(closing, closingKind)) {
                return;
            }
            char c = source.charAt(position);
            if (c == '"' || c == '\'') {
                string(c);
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
                name();
            } else {
                bracket(operator(), brackets);
            }
        }
    }

    private boolean closes(String closing, Kind closingKind) {
        char sign = source.charAt(position);
        boolean signed = sign == '-' || (sign == '+' && closingKind == Kind.TAG_END);
        int mark = signed ? position + 1 : position;
        if (!source.startsWith(closing, mark)) {
            return false;
        }
        add(closingKind, closing, position);
        after(mark + 2, sign == '-', closingKind == Kind.TAG_END && sign != '+');
        return true;
    }

    private void string(char quote) {
        int start = position;
        int end = start + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw SyntaxFault.at(source, lineOf(start), "a string without its closing " + quote);
        }
        String text = Literals.unescape(source, source.substring(start + 1, end), lineOf(start));
        tokens.add(new Token(Kind.STRING, text, Value.of(text), lineOf(start)));
        position = end + 1;
    }

    private void number() {
        int start = position;
        int end = Literals.endOfNumber(source, start);
        String digits = source.substring(start, end);
        tokens.add(new Token(Kind.NUMBER, digits, Literals.number(source, digits, lineOf(start)), lineOf(start)));
        position = end;
    }

    private void name() {
        int start = position;
        while (position < source.length() && Character.isUnicodeIdentifierPart(source.charAt(position))) {
            position++;
        }
        add(Kind.NAME, source.substring(start, position).intern(), start);
    }

    private String operator() {
        String two = source.substring(position, Math.min(position + 2, source.length()));
        String symbol = switch (two) {
            case "**", "//", "==", "!=", ">=", "<=" -> two;
            default -> two.substring(0, 1);
        };
        if (symbol.length() == 1 && "+-/*%~[](){}><=.:|,".indexOf(symbol.charAt(0)) < 0) {
            throw SyntaxFault.at(source, lineOf(position), "unexpected character '" + symbol + "'");
        }
        add(Kind.OPERATOR, symbol, position);
        position += symbol.length();
        return symbol;
    }

    private void bracket(String symbol, Deque<Character> brackets) {
        int opened = "([{".indexOf(symbol.charAt(0));
        int closed = ")]}".indexOf(symbol.charAt(0));
        if (opened >= 0) {
            brackets.push(")]}".charAt(opened));
        } else if (closed >= 0 && (brackets.isEmpty() || brackets.pop() != symbol.charAt(0))) {
            throw SyntaxFault.at(source, lineOf(position - 1), "unexpected '" + symbol + "'");
        }
    }

    private void add(Kind kind, String text, int at) {
        tokens.add(new Token(kind, text, Value.NONE, lineOf(at)));
    }

    private char charAt(int index) {
        return index >= 0 && index < source.length() ? source.charAt(index) : '\0';
    }

    private int skipSpace(int from) {
        int at = from;
        while (at < source.length() && Texts.isSpace(source.charAt(at))) {
            at++;
        }
        return at;
    }

    private boolean isWordAt(String word, int at) {
        return source.startsWith(word, at) && !Character.isUnicodeIdentifierPart(charAt(at + word.length()));
    }

    /// The line of a position; positions come in ascending order but for a few steps back.
    private int lineOf(int at) {
        while (lineCounted < at) {
            if (source.charAt(lineCounted++) == '\n') {
                line++;
            }
        }
        while (lineCounted > at) {
            if (source.charAt(--lineCounted) == '\n') {
                line--;
            }
        }
        return line;
    }
}
