package dev.trimtab.template.syntax;

import dev.trimtab.template.value.Value;
import java.util.List;

/// An expression of a template, parsed. A missing optional part is a literal with the meaning of its
/// absence.
public sealed interface Expression {
    record Literal(Value value) implements Expression {}

    record Name(String name) implements Expression {}

    record Listing(List<Expression> elements) implements Expression {}

    record Tuple(List<Expression> elements) implements Expression {}

    record Mapping(List<Entry> entries) implements Expression {}

    record Entry(Expression key, Expression value) {}

    /// `target.name`: an attribute first, then an item.
    record Attribute(Expression target, String name, Value key) implements Expression {}

    /// `target[key]`: an item first, then an attribute.
    record Item(Expression target, Expression key) implements Expression {}

    record Slice(Expression target, Expression start, Expression stop, Expression step) implements Expression {}

    record Call(Expression callee, Inputs inputs, int line) implements Expression {}

    /// `input | name(...)`.
    record Filter(Expression input, Application filter) implements Expression {}

    /// `input is name(...)`.
    record Test(Expression input, Application test) implements Expression {}

    record Not(Expression operand) implements Expression {}

    record Sign(Expression operand, boolean negative) implements Expression {}

    record Binary(Operator operator, Expression left, Expression right) implements Expression {}

    /// `first op operand op operand ...`, each operand evaluated once.
    record Chain(Expression first, List<Link> links) implements Expression {}

    record Link(Relation relation, Expression operand) {}

    record And(List<Expression> operands) implements Expression {}

    record Or(List<Expression> operands) implements Expression {}

    /// `a ~ b ~ c`.
    record Concatenation(List<Expression> parts) implements Expression {}

    /// `then if test else otherwise`.
    record Conditional(Expression test, Expression then, Expression otherwise) implements Expression {}

    enum Operator {
        ADD,
        SUBTRACT,
        MULTIPLY,
        DIVIDE,
        FLOOR_DIVIDE,
        REMAINDER,
        POWER
    }

    enum Relation {
        EQUAL("=="),
        NOT_EQUAL("!="),
        LESS("<"),
        LESS_OR_EQUAL("<="),
        GREATER(">"),
        GREATER_OR_EQUAL(">="),
        IN("in"),
        NOT_IN("not in");

        private final String symbol;

        Relation(String symbol) {
            this.symbol = symbol;
        }

        public String symbol() {
            return symbol;
        }
    }

    /// The arguments of a call as written: by position, by name, and what `*` and `**` spread (none or
    /// one each).
    record Inputs(
            List<Expression> positional, List<Keyword> named, List<Expression> spread, List<Expression> spreadNamed) {
        static final Inputs NONE = new Inputs(List.of(), List.of(), List.of(), List.of());
    }

    record Keyword(String name, Expression value) {}

    /// A filter or test by name, with its arguments.
    record Application(String name, Inputs inputs, int line) {}
}
