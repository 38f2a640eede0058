package dev.trimtab.template.syntax;

import dev.trimtab.template.syntax.Expression.Application;
import dev.trimtab.template.syntax.Expression.Link;
import dev.trimtab.template.syntax.Expression.Literal;
import dev.trimtab.template.syntax.Expression.Operator;
import dev.trimtab.template.syntax.Expression.Relation;
import dev.trimtab.template.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// Parses expressions by recursive descent, one method a level of Jinja's precedence, loosest first:
/// `if-else`, `or`, `and`, `not`, comparison, `+ -`, `~`, `* / // %`, `**`; then the terms of
/// [TermParser].
final class ExpressionParser {
    private final TokenStream tokens;
    private final TermParser terms;

    /// Filters and tests used that do not exist, in places that every rendering reaches. As in Jinja,
    /// one in a branch that is not taken does no harm.
    private final List<Application> unknown = new ArrayList<>();

    ExpressionParser(TokenStream tokens, Set<String> filters, Set<String> tests) {
        this.tokens = tokens;
        this.terms = new TermParser(tokens, this, filters, tests);
    }

    /// A filter's name and arguments, after its `|`.
    Application filter() {
        return terms.filter();
    }

    /// Notes a filter or test that does not exist.
    void unknown(Application application) {
        unknown.add(application);
    }

    /// How many unknown names were met so far; see [#forgive(int)].
    int unknownCount() {
        return unknown.size();
    }

    /// Forgets the unknown names met since there were `count`: they stand in a branch.
    void forgive(int count) {
        unknown.subList(count, unknown.size()).clear();
    }

    /// Refuses the first unknown name, if there is one.
    void refuseUnknown() {
        if (!unknown.isEmpty()) {
            Application first = unknown.getFirst();
            throw tokens.fault(first.line(), "no filter or test named '" + first.name() + "'");
        }
    }

    /// One expression, or several separated by commas as a tuple.
    Expression tuple() {
        return tuple(this::expression);
    }

    /// As [#tuple()], without `a if b else c`: where an `if` ends the expression.
    Expression tupleWithoutConditional() {
        return tuple(this::or);
    }

    private Expression tuple(Supplier<Expression> element) {
        Expression first = element.get();
        if (!tokens.isOperator(",")) {
            return first;
        }
        List<Expression> elements = new ArrayList<>();
        elements.add(first);
        while (tokens.skipOperator(",")) {
            if (isTupleEnd()) {
                break;
            }
            elements.add(element.get());
        }
        return new Expression.Tuple(elements);
    }

    private boolean isTupleEnd() {
        return switch (tokens.current().kind()) {
            case PRINT_END, TAG_END, END -> true;
            case OPERATOR -> tokens.isOperator(")");
            case NAME -> tokens.isName("recursive");
            case DATA, PRINT_BEGIN, TAG_BEGIN, STRING, NUMBER -> false;
        };
    }

    Expression expression() {
        tokens.enter();
        int unknownBefore = unknown.size();
        Expression expression = or();
        while (tokens.skipName("if")) {
            Expression test = or();
            Expression otherwise =
                    tokens.skipName("else") ? expression() : new Literal(Value.undefinedName("inline if without else"));
            expression = new Expression.Conditional(test, expression, otherwise);
            forgive(unknownBefore);
        }
        tokens.leave();
        return expression;
    }

    private Expression or() {
        Expression first = and();
        if (!tokens.isName("or")) {
            return first;
        }
        List<Expression> operands = new ArrayList<>(List.of(first));
        while (tokens.skipName("or")) {
            operands.add(and());
        }
        return new Expression.Or(operands);
    }

    private Expression and() {
        Expression first = not();
        if (!tokens.isName("and")) {
            return first;
        }
        List<Expression> operands = new ArrayList<>(List.of(first));
        while (tokens.skipName("and")) {
            operands.add(not());
        }
        return new Expression.And(operands);
    }

    private Expression not() {
        if (!tokens.skipName("not")) {
            return comparison();
        }
        tokens.enter();
        Expression operand = not();
        tokens.leave();
        return new Expression.Not(operand);
    }

    private Expression comparison() {
        Expression first = additive();
        List<Link> links = new ArrayList<>();
        for (Optional<Relation> relation = relation(); relation.isPresent(); relation = relation()) {
            links.add(new Link(relation.get(), additive()));
        }
        return links.isEmpty() ? first : new Expression.Chain(first, links);
    }

    private Optional<Relation> relation() {
        Token token = tokens.current();
        if (token.isName("not") && tokens.ahead().isName("in")) {
            tokens.next();
            tokens.next();
            return Optional.of(Relation.NOT_IN);
        }
        for (Relation relation : Relation.values()) {
            if (token.isOperator(relation.symbol()) || token.isName(relation.symbol())) {
                tokens.next();
                return Optional.of(relation);
            }
        }
        return Optional.empty();
    }

    private Expression additive() {
        Expression left = concatenation();
        while (true) {
            if (tokens.skipOperator("+")) {
                left = new Expression.Binary(Operator.ADD, left, concatenation());
            } else if (tokens.skipOperator("-")) {
                left = new Expression.Binary(Operator.SUBTRACT, left, concatenation());
            } else {
                return left;
            }
        }
    }

    private Expression concatenation() {
        Expression first = multiplicative();
        if (!tokens.isOperator("~")) {
            return first;
        }
        List<Expression> parts = new ArrayList<>(List.of(first));
        while (tokens.skipOperator("~")) {
            parts.add(multiplicative());
        }
        return new Expression.Concatenation(parts);
    }

    private Expression multiplicative() {
        Expression left = power();
        while (true) {
            if (tokens.skipOperator("*")) {
                left = new Expression.Binary(Operator.MULTIPLY, left, power());
            } else if (tokens.skipOperator("/")) {
                left = new Expression.Binary(Operator.DIVIDE, left, power());
            } else if (tokens.skipOperator("//")) {
                left = new Expression.Binary(Operator.FLOOR_DIVIDE, left, power());
            } else if (tokens.skipOperator("%")) {
                left = new Expression.Binary(Operator.REMAINDER, left, power());
            } else {
                return left;
            }
        }
    }

    private Expression power() {
        Expression left = terms.unary();
        while (tokens.skipOperator("**")) {
            left = new Expression.Binary(Operator.POWER, left, terms.unary());
        }
        return left;
    }
}
