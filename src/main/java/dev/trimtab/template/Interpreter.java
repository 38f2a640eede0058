package dev.trimtab.template;

import dev.trimtab.template.builtin.Namespace;
import dev.trimtab.template.syntax.Expression;
import dev.trimtab.template.syntax.Statement;
import dev.trimtab.template.syntax.Statement.Target;
import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Executes the statements of a template.
///
/// As in Jinja, `if` opens no scope, a loop's turn opens one each, and a macro sees the variables of
/// the place where it was defined as they are when it is called.
final class Interpreter {
    private final Rendering rendering;
    private final Evaluator evaluator;

    /// How a body ended.
    private enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    Interpreter(Rendering rendering) {
        this.rendering = rendering;
        this.evaluator = new Evaluator(rendering);
    }

    String run(List<Statement> template, Scope scope) {
        var out = new Output(rendering);
        execute(template, scope, out);
        return out.text();
    }

    private Flow execute(List<Statement> body, Scope scope, Output out) {
        rendering.enter();
        Flow flow = Flow.NEXT;
        for (int i = 0; i < body.size() && flow == Flow.NEXT; i++) {
            flow = execute(body.get(i), scope, out);
        }
        rendering.leave();
        return flow;
    }

    private Flow execute(Statement statement, Scope scope, Output out) {
        rendering.step();
        switch (statement) {
            case Statement.Data data -> out.append(data.text());
            case Statement.Print print -> {
                rendering.at(print.line());
                out.append(evaluator.print(print.expression(), scope));
            }
            case Statement.If condition -> {
                return condition(condition, scope, out);
            }
            case Statement.For loop -> loop(loop, scope, out);
            case Statement.Set set -> {
                rendering.at(set.line());
                assign(set.target(), evaluator.evaluate(set.value(), scope), scope);
            }
            case Statement.SetBlock block -> {
                Value captured = capture(block.body(), scope.inner());
                rendering.at(block.line());
                assign(block.target(), evaluator.filtered(block.filters(), captured, scope), scope);
            }
            case Statement.Macro macro -> scope.set(macro.name(), macro(macro, scope));
            case Statement.CallBlock block -> {
                rendering.at(block.line());
                out.append(evaluator.print(callBlock(block, scope)));
            }
            case Statement.FilterBlock block -> {
                Value captured = capture(block.body(), scope.inner());
                rendering.at(block.line());
                out.append(evaluator.print(evaluator.filtered(block.filters(), captured, scope)));
            }
            case Statement.With with -> {
                return with(with, scope, out);
            }
            case Statement.Scoped scoped -> {
                return execute(scoped.body(), scope.inner(), out);
            }
            case Statement.Break _ -> {
                return Flow.BREAK;
            }
            case Statement.Continue _ -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.NEXT;
    }

    private Value capture(List<Statement> body, Scope scope) {
        var out = new Output(rendering);
        execute(body, scope, out);
        return out.value();
    }

    private Flow condition(Statement.If condition, Scope scope, Output out) {
        for (Statement.Branch branch : condition.branches()) {
            rendering.at(condition.line());
            if (Kinds.isTrue(evaluator.evaluate(branch.test(), scope))) {
                return execute(branch.body(), scope, out);
            }
        }
        return execute(condition.otherwise(), scope, out);
    }

    private Flow with(Statement.With with, Scope scope, Output out) {
        rendering.at(with.line());
        Scope inner = scope.inner();
        for (Statement.Binding binding : with.bindings()) {
            assign(binding.target(), evaluator.evaluate(binding.value(), scope), inner);
        }
        return execute(with.body(), inner, out);
    }

    private void loop(Statement.For loop, Scope scope, Output out) {
        rendering.at(loop.line());
        loop(loop, evaluator.evaluate(loop.loop().source(), scope), scope, out, 0);
    }

    private void loop(Statement.For statement, Value source, Scope scope, Output out, int depth) {
        List<Value> values = selected(statement.loop(), Sequences.values(rendering, source), scope);
        if (values.isEmpty()) {
            execute(statement.otherwise(), scope.inner(), out);
            return;
        }
        Value.Body recursion = statement.loop().recursive()
                ? arguments -> recurse(statement, arguments, scope, depth + 1)
                : _ -> {
                    throw rendering.invalid("'loop' is called, but the loop is not 'recursive'");
                };
        var loop = new Loop(rendering, values, depth, recursion);
        do {
            Scope turn = scope.inner();
            assign(statement.loop().target(), loop.current(), turn);
            turn.set("loop", loop);
            if (execute(statement.body(), turn, out) == Flow.BREAK) {
                return;
            }
        } while (loop.advance());
    }

    private Value recurse(Statement.For statement, Arguments arguments, Scope scope, int depth) {
        rendering.enter();
        var out = new Output(rendering);
        loop(statement, arguments.require(rendering, 0, "iterable"), scope, out, depth);
        rendering.leave();
        return out.value();
    }

    private List<Value> selected(Statement.Loop loop, List<Value> values, Scope scope) {
        if (loop.filter() instanceof Expression.Literal literal && Kinds.isTrue(literal.value())) {
            return values;
        }
        List<Value> selected = new ArrayList<>();
        for (Value value : values) {
            Scope test = scope.inner();
            assign(loop.target(), value, test);
            if (Kinds.isTrue(evaluator.evaluate(loop.filter(), test))) {
                selected.add(value);
            }
        }
        return selected;
    }

    private void assign(Target target, Value value, Scope scope) {
        switch (target) {
            case Target.Variable variable -> scope.set(variable.name(), value);
            case Target.Field field -> {
                Value owner = scope.find(field.namespace()).orElse(Value.NONE);
                if (!(owner instanceof Namespace namespace)) {
                    throw rendering.invalid(
                            "cannot assign attribute on non-namespace object '" + field.namespace() + "'");
                }
                namespace.set(field.field(), value);
            }
            case Target.Unpack unpack -> {
                List<Value> values = Sequences.values(rendering, value);
                if (values.size() != unpack.targets().size()) {
                    throw rendering.invalid(
                            "expected " + unpack.targets().size() + " values to unpack, found " + values.size());
                }
                for (int i = 0; i < values.size(); i++) {
                    assign(unpack.targets().get(i), values.get(i), scope);
                }
            }
        }
    }

    private Value macro(Statement.Macro macro, Scope scope) {
        return new Value.Function(
                macro.name(), arguments -> call(macro.name(), macro.signature(), macro.body(), scope, arguments));
    }

    private Value callBlock(Statement.CallBlock block, Scope scope) {
        var caller = new Value.Function(
                "caller", arguments -> call("caller", block.signature(), block.body(), scope, arguments));
        Arguments written = evaluator.arguments(block.call().inputs(), scope);
        Map<String, Value> named = new LinkedHashMap<>(written.named());
        named.put("caller", caller);
        return evaluator.call(
                evaluator.evaluate(block.call().callee(), scope), new Arguments(written.positional(), named));
    }

    private Value call(
            String name, Statement.Signature signature, List<Statement> body, Scope defined, Arguments arguments) {
        rendering.enter();
        Scope scope = defined.inner();
        bind(name, signature, scope, arguments);
        Value printed = capture(body, scope);
        rendering.leave();
        return printed;
    }

    private void bind(String name, Statement.Signature signature, Scope scope, Arguments arguments) {
        List<Statement.Parameter> parameters = signature.parameters();
        Map<String, Value> named = new HashMap<>(arguments.named());
        for (int i = 0; i < parameters.size(); i++) {
            Statement.Parameter parameter = parameters.get(i);
            Value given = named.remove(parameter.name());
            if (i < arguments.positional().size()) {
                if (given != null) {
                    throw rendering.invalid("macro '" + name + "' got two values for '" + parameter.name() + "'");
                }
                given = arguments.positional().get(i);
            }
            // A default sees the parameters before it; its own name is undefined there, whatever it means outside.
            scope.set(parameter.name(), Value.undefinedName(parameter.name()));
            scope.set(parameter.name(), given != null ? given : evaluator.evaluate(parameter.otherwise(), scope));
        }
        Value caller = named.remove("caller");
        if (caller != null) {
            scope.set("caller", caller);
        }
        extras(
                name,
                signature,
                scope,
                new Arguments(arguments.after(parameters.size()).positional(), named));
    }

    private void extras(String name, Statement.Signature signature, Scope scope, Arguments extra) {
        if (signature.takesVarargs()) {
            scope.set("varargs", rendering.tuple(extra.positional()));
        } else if (!extra.positional().isEmpty()) {
            throw rendering.invalid("macro '" + name + "' takes not more than "
                    + signature.parameters().size() + " argument(s)");
        }
        if (signature.takesKwargs()) {
            Map<Value, Value> entries = new LinkedHashMap<>();
            extra.named().forEach((key, value) -> entries.put(Value.of(key), value));
            scope.set("kwargs", rendering.dict(entries));
        } else if (!extra.named().isEmpty()) {
            throw rendering.invalid("macro '" + name + "' takes no keyword argument '"
                    + extra.named().keySet().iterator().next() + "'");
        }
    }
}
