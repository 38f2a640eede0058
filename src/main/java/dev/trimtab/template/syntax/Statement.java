package dev.trimtab.template.syntax;

import java.util.List;

/// A statement of a template, parsed.
public sealed interface Statement {
    /// Text outside tags.
    record Data(String text) implements Statement {}

    /// `{{ expression }}`.
    record Print(Expression expression, int line) implements Statement {}

    record If(List<Branch> branches, List<Statement> otherwise, int line) implements Statement {}

    record Branch(Expression test, List<Statement> body) {}

    record For(Loop loop, List<Statement> body, List<Statement> otherwise, int line) implements Statement {}

    /// The head of a `for`: `for target in source if filter recursive`.
    record Loop(Target target, Expression source, Expression filter, boolean recursive) {}

    record Set(Target target, Expression value, int line) implements Statement {}

    /// `{% set target | filters %}body{% endset %}`.
    record SetBlock(Target target, List<Expression.Application> filters, List<Statement> body, int line)
            implements Statement {}

    record Macro(String name, Signature signature, List<Statement> body) implements Statement {}

    /// `{% call(parameters) macro(...) %}body{% endcall %}`: the body is the macro's `caller`.
    record CallBlock(Expression.Call call, Signature signature, List<Statement> body, int line) implements Statement {}

    record FilterBlock(List<Expression.Application> filters, List<Statement> body, int line) implements Statement {}

    record With(List<Binding> bindings, List<Statement> body, int line) implements Statement {}

    record Binding(Target target, Expression value) {}

    /// A body with a scope of its own and no other effect: `generation`, `autoescape`, `block`.
    record Scoped(List<Statement> body) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}

    /// What a macro takes. Extra arguments are refused unless the body reads `varargs` or `kwargs`.
    record Signature(List<Parameter> parameters, boolean takesVarargs, boolean takesKwargs) {}

    record Parameter(String name, boolean hasDefault, Expression otherwise) {}

    /// What an assignment assigns to.
    sealed interface Target {
        record Variable(String name) implements Target {}

        record Unpack(List<Target> targets) implements Target {}

        /// `namespace.field`.
        record Field(String namespace, String field) implements Target {}
    }
}
