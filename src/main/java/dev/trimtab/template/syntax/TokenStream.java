package dev.trimtab.template.syntax;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.template.syntax.Token.Kind;
import java.util.List;

/// The tokens still to parse, and how deep the parser is in them.
final class TokenStream {
    /// Levels of brackets, operators and blocks inside each other. A level costs the parser a dozen
    /// frames, some two kilobytes of stack; real templates stay under 30.
    static final int NESTING_MAX = 100;

    private final String source;
    private final List<Token> tokens;
    private int position;
    private int nesting;

    TokenStream(String source) {
        this.source = source;
        this.tokens = Lexer.tokens(source);
    }

    Token current() {
        return tokens.get(position);
    }

    Token ahead() {
        return tokens.get(Math.min(position + 1, tokens.size() - 1));
    }

    int line() {
        return current().line();
    }

    Token next() {
        Token token = current();
        if (token.kind() != Kind.END) {
            position++;
        }
        return token;
    }

    boolean isOperator(String symbol) {
        return current().isOperator(symbol);
    }

    boolean isName(String name) {
        return current().isName(name);
    }

    boolean skipOperator(String symbol) {
        if (isOperator(symbol)) {
            position++;
            return true;
        }
        return false;
    }

    boolean skipName(String name) {
        if (isName(name)) {
            position++;
            return true;
        }
        return false;
    }

    void expectOperator(String symbol) {
        if (!skipOperator(symbol)) {
            throw expected("'" + symbol + "'");
        }
    }

    void expectName(String name) {
        if (!skipName(name)) {
            throw expected("'" + name + "'");
        }
    }

    Token expect(Kind kind, String described) {
        if (current().kind() != kind) {
            throw expected(described);
        }
        return next();
    }

    String name() {
        return expect(Kind.NAME, "a name").text();
    }

    /// Whether a name was read between two positions, so that a macro knows whether its body asks for
    /// it.
    boolean mentions(String name, int from, int to) {
        for (int i = from; i < to; i++) {
            if (tokens.get(i).isName(name)) {
                return true;
            }
        }
        return false;
    }

    int position() {
        return position;
    }

    /// Goes one level deeper; the caller pairs it with [#leave()].
    void enter() {
        if (++nesting > NESTING_MAX) {
            throw fault("nested deeper than " + NESTING_MAX + " levels, the limit");
        }
    }

    void leave() {
        nesting--;
    }

    BadCheckpoint expected(String what) {
        return fault("expected " + what + ", found " + current().described());
    }

    BadCheckpoint fault(String what) {
        return SyntaxFault.at(source, line(), what);
    }

    BadCheckpoint fault(int line, String what) {
        return SyntaxFault.at(source, line, what);
    }
}
