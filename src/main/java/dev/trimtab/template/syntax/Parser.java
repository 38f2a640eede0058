package dev.trimtab.template.syntax;

import dev.trimtab.template.syntax.Expression.Application;
import dev.trimtab.template.syntax.Expression.Literal;
import dev.trimtab.template.syntax.Statement.Branch;
import dev.trimtab.template.syntax.Statement.Signature;
import dev.trimtab.template.syntax.Statement.Target;
import dev.trimtab.template.syntax.Token.Kind;
import dev.trimtab.template.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Parses the tags of a template into statements.
public final class Parser {
    private final TokenStream tokens;
    private final ExpressionParser expressions;

    /// Loops around the current tag, within the current macro: where `break` may stand.
    private int loops;

    private Parser(String source, Set<String> filters, Set<String> tests) {
        this.tokens = new TokenStream(source);
        this.expressions = new ExpressionParser(tokens, filters, tests);
    }

    /// The statements of a template. `filters` and `tests` are the names that exist.
    public static List<Statement> parse(String source, Set<String> filters, Set<String> tests) {
        var parser = new Parser(source, filters, tests);
        List<Statement> body = parser.body();
        if (parser.tokens.current().kind() != Kind.END) {
            throw parser.tokens.expected("a tag that is open here");
        }
        parser.expressions.refuseUnknown();
        return body;
    }

    /// Statements up to a tag that none of them opens: an `else` or `end...`, left as the current token after
    /// its `{%`, or the end of the template.
    private List<Statement> body() {
        tokens.enter();
        List<Statement> body = new ArrayList<>();
        while (true) {
            Token token = tokens.current();
            switch (token.kind()) {
                case DATA -> body.add(new Statement.Data(tokens.next().text()));
                case PRINT_BEGIN -> body.add(print());
                case TAG_BEGIN -> {
                    tokens.next();
                    if (closesBody()) {
                        tokens.leave();
                        return body;
                    }
                    body.add(statement());
                    tokens.expect(Kind.TAG_END, "'%}'");
                }
                case END, NAME, STRING, NUMBER, OPERATOR, PRINT_END, TAG_END -> {
                    tokens.leave();
                    return body;
                }
            }
        }
    }

    private boolean closesBody() {
        String name = tokens.current().text();
        return tokens.current().kind() == Kind.NAME
                && (name.startsWith("end") || name.equals("else") || name.equals("elif"));
    }

    private Statement print() {
        int line = tokens.next().line();
        Expression expression = expressions.tuple();
        tokens.expect(Kind.PRINT_END, "'}}'");
        return new Statement.Print(expression, line);
    }

    /// `{% print a, b %}` prints the values one after the other.
    private Expression printed() {
        Expression expression = expressions.tuple();
        return expression instanceof Expression.Tuple(List<Expression> parts)
                ? new Expression.Concatenation(parts)
                : expression;
    }

    private Statement statement() {
        int line = tokens.line();
        String tag = tokens.expect(Kind.NAME, "a tag's name").text();
        return switch (tag) {
            case "if" -> condition(line);
            case "for" -> loop(line);
            case "set" -> assignment(line);
            case "macro" -> macro();
            case "call" -> callBlock(line);
            case "filter" -> filterBlock(line);
            case "with" -> with(line);
            case "print" -> new Statement.Print(printed(), line);
            case "break" -> inLoop(tag, new Statement.Break());
            case "continue" -> inLoop(tag, new Statement.Continue());
            case "generation" -> new Statement.Scoped(blockTo("endgeneration"));
            case "autoescape" -> {
                expressions.expression();
                yield new Statement.Scoped(blockTo("endautoescape"));
            }
            case "block" -> block();
            case "extends", "include", "import", "from" ->
                throw tokens.fault(line, "'" + tag + "' needs other templates, and a checkpoint has one");
            default -> throw tokens.fault(line, "unknown tag '" + tag + "'");
        };
    }

    /// The body of a tag, from the end of the tag to behind the name of its closing tag.
    private List<Statement> blockTo(String closing) {
        List<Statement> body = openBody();
        tokens.expectName(closing);
        return body;
    }

    private List<Statement> openBody() {
        tokens.skipOperator(":");
        tokens.expect(Kind.TAG_END, "'%}'");
        return body();
    }

    private Statement condition(int line) {
        int unknownBefore = expressions.unknownCount();
        List<Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        do {
            Expression test = expressions.tupleWithoutConditional();
            branches.add(new Branch(test, openBody()));
        } while (tokens.skipName("elif"));
        if (tokens.skipName("else")) {
            otherwise = openBody();
        }
        tokens.expectName("endif");
        expressions.forgive(unknownBefore);
        return new Statement.If(branches, otherwise, line);
    }

    private Statement loop(int line) {
        Target target = target();
        tokens.expectName("in");
        Expression source = expressions.tupleWithoutConditional();
        Expression filter = tokens.skipName("if") ? expressions.expression() : new Literal(Value.TRUE);
        boolean recursive = tokens.skipName("recursive");
        loops++;
        List<Statement> body = openBody();
        loops--;
        List<Statement> otherwise = tokens.skipName("else") ? openBody() : List.of();
        tokens.expectName("endfor");
        return new Statement.For(new Statement.Loop(target, source, filter, recursive), body, otherwise, line);
    }

    private Statement assignment(int line) {
        Target target = target();
        if (tokens.skipOperator("=")) {
            return new Statement.Set(target, expressions.tuple(), line);
        }
        List<Application> filters = filters();
        return new Statement.SetBlock(target, filters, blockTo("endset"), line);
    }

    private List<Application> filters() {
        List<Application> filters = new ArrayList<>();
        while (tokens.skipOperator("|")) {
            filters.add(expressions.filter());
        }
        return filters;
    }

    private Statement macro() {
        String name = tokens.name();
        int start = tokens.position();
        List<Statement.Parameter> parameters = parameters();
        int outerLoops = loops;
        loops = 0;
        List<Statement> body = blockTo("endmacro");
        loops = outerLoops;
        return new Statement.Macro(name, signature(parameters, start), body);
    }

    private Signature signature(List<Statement.Parameter> parameters, int start) {
        int end = tokens.position();
        return new Signature(parameters, tokens.mentions("varargs", start, end), tokens.mentions("kwargs", start, end));
    }

    private List<Statement.Parameter> parameters() {
        List<Statement.Parameter> parameters = new ArrayList<>();
        tokens.expectOperator("(");
        while (!tokens.skipOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(")")) {
                    break;
                }
            }
            String name = tokens.name();
            boolean hasDefault = tokens.skipOperator("=");
            if (!hasDefault && !parameters.isEmpty() && parameters.getLast().hasDefault()) {
                throw tokens.fault("parameter '" + name + "' without a default after one with a default");
            }
            Expression otherwise = hasDefault ? expressions.expression() : new Literal(Value.undefinedName(name));
            parameters.add(new Statement.Parameter(name, hasDefault, otherwise));
        }
        return parameters;
    }

    private Statement callBlock(int line) {
        int start = tokens.position();
        List<Statement.Parameter> parameters = tokens.isOperator("(") ? parameters() : List.of();
        if (!(expressions.expression() instanceof Expression.Call call)) {
            throw tokens.fault(line, "expected a call in 'call'");
        }
        int outerLoops = loops;
        loops = 0;
        List<Statement> body = blockTo("endcall");
        loops = outerLoops;
        return new Statement.CallBlock(call, signature(parameters, start), body, line);
    }

    private Statement filterBlock(int line) {
        List<Application> filters = new ArrayList<>();
        filters.add(expressions.filter());
        filters.addAll(filters());
        return new Statement.FilterBlock(filters, blockTo("endfilter"), line);
    }

    private Statement with(int line) {
        List<Statement.Binding> bindings = new ArrayList<>();
        while (tokens.current().kind() != Kind.TAG_END) {
            if (!bindings.isEmpty()) {
                tokens.expectOperator(",");
            }
            Target target = target();
            tokens.expectOperator("=");
            bindings.add(new Statement.Binding(target, expressions.expression()));
        }
        return new Statement.With(bindings, blockTo("endwith"), line);
    }

    /// A block of a template that nothing extends prints its body where it stands.
    private Statement block() {
        String name = tokens.name();
        tokens.skipName("scoped");
        tokens.skipName("required");
        List<Statement> body = blockTo("endblock");
        tokens.skipName(name);
        return new Statement.Scoped(body);
    }

    private Statement inLoop(String tag, Statement statement) {
        if (loops == 0) {
            throw tokens.fault("'" + tag + "' outside a loop");
        }
        return statement;
    }

    private Target target() {
        Target first = singleTarget();
        if (!tokens.isOperator(",")) {
            return first;
        }
        List<Target> targets = new ArrayList<>(List.of(first));
        while (tokens.skipOperator(",")) {
            if (tokens.isName("in") || tokens.isOperator("=") || tokens.isOperator(")")) {
                break;
            }
            targets.add(singleTarget());
        }
        return new Target.Unpack(targets);
    }

    private Target singleTarget() {
        if (tokens.skipOperator("(")) {
            tokens.enter();
            Target inside = target();
            tokens.leave();
            tokens.expectOperator(")");
            return inside;
        }
        String name = tokens.expect(Kind.NAME, "a name to assign to").text();
        if (tokens.skipOperator(".")) {
            return new Target.Field(name, tokens.name());
        }
        return switch (name) {
            case "true", "True", "false", "False", "none", "None" ->
                throw tokens.fault("expected a name to assign to, found '" + name + "'");
            default -> new Target.Variable(name);
        };
    }
}
