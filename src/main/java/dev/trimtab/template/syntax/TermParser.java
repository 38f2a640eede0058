package dev.trimtab.template.syntax;

import dev.trimtab.template.syntax.Expression.Application;
import dev.trimtab.template.syntax.Expression.Inputs;
import dev.trimtab.template.syntax.Expression.Keyword;
import dev.trimtab.template.syntax.Expression.Literal;
import dev.trimtab.template.syntax.Token.Kind;
import dev.trimtab.template.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Parses what operators stand between: names, literals and brackets with a sign before them, and with
/// attributes, subscripts, calls, filters and tests after them.
final class TermParser {
    private static final Literal NONE = new Literal(Value.NONE);

    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private final Set<String> filters;
    private final Set<String> tests;

    TermParser(TokenStream tokens, ExpressionParser expressions, Set<String> filters, Set<String> tests) {
        this.tokens = tokens;
        this.expressions = expressions;
        this.filters = filters;
        this.tests = tests;
    }

    Expression unary() {
        return applied(postfix(signed()));
    }

    private Expression signed() {
        boolean negative = tokens.isOperator("-");
        if (!negative && !tokens.isOperator("+")) {
            return primary();
        }
        tokens.next();
        tokens.enter();
        Expression operand = postfix(signed());
        tokens.leave();
        return new Expression.Sign(operand, negative);
    }

    /// The tightest level: a name, a literal, or brackets.
    private Expression primary() {
        Token token = tokens.current();
        switch (token.kind()) {
            case NAME -> {
                tokens.next();
                return named(token.text());
            }
            case STRING -> {
                return new Literal(strings());
            }
            case NUMBER -> {
                tokens.next();
                return new Literal(token.value());
            }
            case OPERATOR -> {
                if (tokens.skipOperator("(")) {
                    return parenthesized();
                } else if (tokens.skipOperator("[")) {
                    return new Expression.Listing(elements("]"));
                } else if (tokens.skipOperator("{")) {
                    return mapping();
                }
            }
            case DATA, PRINT_BEGIN, PRINT_END, TAG_BEGIN, TAG_END, END -> {}
        }
        throw tokens.expected("an expression");
    }

    private static Expression named(String name) {
        return switch (name) {
            case "true", "True" -> new Literal(Value.TRUE);
            case "false", "False" -> new Literal(Value.FALSE);
            case "none", "None" -> NONE;
            default -> new Expression.Name(name);
        };
    }

    /// Strings that follow each other are one.
    private Value strings() {
        Token first = tokens.next();
        if (tokens.current().kind() != Kind.STRING) {
            return first.value();
        }
        var text = new StringBuilder(first.text());
        while (tokens.current().kind() == Kind.STRING) {
            text.append(tokens.next().text());
        }
        return Value.of(text.toString());
    }

    private Expression parenthesized() {
        if (tokens.skipOperator(")")) {
            return new Expression.Tuple(List.of());
        }
        Expression inside = expressions.tuple();
        tokens.expectOperator(")");
        return inside;
    }

    private List<Expression> elements(String closing) {
        List<Expression> elements = new ArrayList<>();
        while (!tokens.skipOperator(closing)) {
            if (!elements.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(closing)) {
                    break;
                }
            }
            elements.add(expressions.expression());
        }
        return elements;
    }

    private Expression mapping() {
        List<Expression.Entry> entries = new ArrayList<>();
        while (!tokens.skipOperator("}")) {
            if (!entries.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator("}")) {
                    break;
                }
            }
            Expression key = expressions.expression();
            tokens.expectOperator(":");
            entries.add(new Expression.Entry(key, expressions.expression()));
        }
        return new Expression.Mapping(entries);
    }

    /// Attributes, subscripts and calls after an expression.
    private Expression postfix(Expression start) {
        Expression target = start;
        while (true) {
            if (tokens.skipOperator(".")) {
                target = attribute(target);
            } else if (tokens.skipOperator("[")) {
                target = subscript(target);
            } else if (tokens.isOperator("(")) {
                int line = tokens.line();
                target = new Expression.Call(target, inputs(), line);
            } else {
                return target;
            }
        }
    }

    private Expression attribute(Expression target) {
        Token token = tokens.next();
        return switch (token.kind()) {
            case NAME -> new Expression.Attribute(target, token.text(), Value.of(token.text()));
            case NUMBER -> indexes(target, token);
            case DATA, PRINT_BEGIN, PRINT_END, TAG_BEGIN, TAG_END, STRING, OPERATOR, END ->
                throw tokens.fault("expected a name or a number after '.', found " + token.described());
        };
    }

    /// `x.0`, and `x.0.1`, which reads as the number 0.1.
    private Expression indexes(Expression target, Token number) {
        Expression item = target;
        for (String part : number.text().split("\\.", -1)) {
            if (part.isEmpty() || !part.chars().allMatch(Character::isDigit) || part.length() > 9) {
                throw tokens.fault("expected an index after '.', found '" + number.text() + "'");
            }
            item = new Expression.Item(item, new Literal(Value.of(Long.parseLong(part))));
        }
        return item;
    }

    private Expression subscript(Expression target) {
        if (!tokens.isOperator(":")) {
            Expression key = expressions.tuple();
            if (!tokens.isOperator(":")) {
                tokens.expectOperator("]");
                return new Expression.Item(target, key);
            }
            return slice(target, key);
        }
        return slice(target, NONE);
    }

    private Expression slice(Expression target, Expression start) {
        tokens.expectOperator(":");
        Expression stop = isBoundMissing() ? NONE : expressions.expression();
        Expression step = tokens.skipOperator(":") && !isBoundMissing() ? expressions.expression() : NONE;
        tokens.expectOperator("]");
        return new Expression.Slice(target, start, stop, step);
    }

    private boolean isBoundMissing() {
        return tokens.isOperator(":") || tokens.isOperator("]");
    }

    /// Filters, tests and calls after an expression.
    private Expression applied(Expression start) {
        Expression input = start;
        while (true) {
            if (tokens.skipOperator("|")) {
                input = new Expression.Filter(input, filter());
            } else if (tokens.skipName("is")) {
                boolean negated = tokens.skipName("not");
                Expression test = new Expression.Test(input, test());
                input = negated ? new Expression.Not(test) : test;
            } else if (tokens.isOperator("(")) {
                int line = tokens.line();
                input = new Expression.Call(input, inputs(), line);
            } else {
                return input;
            }
        }
    }

    /// A filter's name and arguments, after its `|`.
    Application filter() {
        int line = tokens.line();
        String name = dotted();
        return known(filters, new Application(name, tokens.isOperator("(") ? inputs() : Inputs.NONE, line));
    }

    private Application test() {
        int line = tokens.line();
        String name = dotted();
        Inputs inputs = Inputs.NONE;
        if (tokens.isOperator("(")) {
            inputs = inputs();
        } else if (startsArgument()) {
            inputs = new Inputs(List.of(postfix(primary())), List.of(), List.of(), List.of());
        }
        return known(tests, new Application(name, inputs, line));
    }

    private boolean startsArgument() {
        Token token = tokens.current();
        return switch (token.kind()) {
            case STRING, NUMBER -> true;
            case NAME ->
                switch (token.text()) {
                    case "else", "or", "and", "is", "if", "recursive", "in", "not" -> false;
                    default -> true;
                };
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            case DATA, PRINT_BEGIN, PRINT_END, TAG_BEGIN, TAG_END, END -> false;
        };
    }

    private String dotted() {
        String name = tokens.name();
        while (tokens.skipOperator(".")) {
            name = name + "." + tokens.name();
        }
        return name;
    }

    private Application known(Set<String> names, Application application) {
        if (!names.contains(application.name())) {
            expressions.unknown(application);
        }
        return application;
    }

    private Inputs inputs() {
        tokens.expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        List<Keyword> named = new ArrayList<>();
        List<Expression> spread = new ArrayList<>();
        List<Expression> spreadNamed = new ArrayList<>();
        boolean first = true;
        while (!tokens.skipOperator(")")) {
            if (!first) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(")")) {
                    break;
                }
            }
            first = false;
            if (tokens.skipOperator("*")) {
                spread.add(expressions.expression());
            } else if (tokens.skipOperator("**")) {
                spreadNamed.add(expressions.expression());
            } else if (tokens.current().kind() == Kind.NAME && tokens.ahead().isOperator("=")) {
                String name = tokens.name();
                tokens.expectOperator("=");
                named.add(new Keyword(name, expressions.expression()));
            } else if (named.isEmpty() && spread.isEmpty() && spreadNamed.isEmpty()) {
                positional.add(expressions.expression());
            } else {
                throw tokens.expected("an argument by name, after those by name or spread");
            }
        }
        return new Inputs(positional, named, spread, spreadNamed);
    }
}
