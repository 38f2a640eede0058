package dev.trimtab.template;

import dev.trimtab.template.builtin.Access;
import dev.trimtab.template.builtin.Filters;
import dev.trimtab.template.builtin.Globals;
import dev.trimtab.template.builtin.Predicates;
import dev.trimtab.template.syntax.Expression;
import dev.trimtab.template.syntax.Expression.Application;
import dev.trimtab.template.syntax.Expression.Inputs;
import dev.trimtab.template.syntax.Expression.Link;
import dev.trimtab.template.value.Arguments;
import dev.trimtab.template.value.Comparison;
import dev.trimtab.template.value.Kinds;
import dev.trimtab.template.value.Operators;
import dev.trimtab.template.value.Printer;
import dev.trimtab.template.value.Rendering;
import dev.trimtab.template.value.Sequences;
import dev.trimtab.template.value.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Evaluates expressions.
final class Evaluator {
    private final Rendering rendering;

    Evaluator(Rendering rendering) {
        this.rendering = rendering;
    }

    /// What `{{ expression }}` prints.
    String print(Expression expression, Scope scope) {
        return print(evaluate(expression, scope));
    }

    String print(Value value) {
        return Printer.str(rendering, value);
    }

    Value evaluate(Expression expression, Scope scope) {
        rendering.enter();
        Value value = switch (expression) {
            case Expression.Literal literal -> literal.value();
            case Expression.Name name -> name(name.name(), scope);
            case Expression.Listing listing -> rendering.list(all(listing.elements(), scope));
            case Expression.Tuple tuple -> rendering.tuple(all(tuple.elements(), scope));
            case Expression.Mapping mapping -> mapping(mapping, scope);
            case Expression.Attribute attribute ->
                Access.attribute(rendering, evaluate(attribute.target(), scope), attribute.name(), attribute.key());
            case Expression.Item item ->
                Access.item(rendering, evaluate(item.target(), scope), evaluate(item.key(), scope));
            case Expression.Slice slice -> slice(slice, scope);
            case Expression.Call call -> call(call, scope);
            case Expression.Filter filter -> filtered(filter.filter(), evaluate(filter.input(), scope), scope);
            case Expression.Test test -> test(test, scope);
            case Expression.Not not -> Value.of(!isTrue(not.operand(), scope));
            case Expression.Sign sign -> sign(sign, scope);
            case Expression.Binary binary ->
                binary(binary.operator(), evaluate(binary.left(), scope), evaluate(binary.right(), scope));
            case Expression.Chain chain -> Value.of(holds(chain, scope));
            case Expression.And and -> firstWithTruth(false, and.operands(), scope);
            case Expression.Or or -> firstWithTruth(true, or.operands(), scope);
            case Expression.Concatenation concatenation -> concatenate(concatenation, scope);
            case Expression.Conditional conditional ->
                evaluate(isTrue(conditional.test(), scope) ? conditional.then() : conditional.otherwise(), scope);
        };
        rendering.leave();
        return value;
    }

    private boolean isTrue(Expression expression, Scope scope) {
        return Kinds.isTrue(evaluate(expression, scope));
    }

    private Value name(String name, Scope scope) {
        return scope.find(name).or(() -> Globals.find(rendering, name)).orElseGet(() -> Value.undefinedName(name));
    }

    private List<Value> all(List<Expression> expressions, Scope scope) {
        List<Value> values = new ArrayList<>(expressions.size());
        for (Expression expression : expressions) {
            values.add(evaluate(expression, scope));
        }
        return values;
    }

    private Value mapping(Expression.Mapping mapping, Scope scope) {
        Map<Value, Value> entries =
                LinkedHashMap.newLinkedHashMap(mapping.entries().size());
        for (Expression.Entry entry : mapping.entries()) {
            Value key = evaluate(entry.key(), scope);
            entries.put(Access.key(rendering, key), evaluate(entry.value(), scope));
        }
        return rendering.dict(entries);
    }

    private Value slice(Expression.Slice slice, Scope scope) {
        return Sequences.slice(
                rendering,
                evaluate(slice.target(), scope),
                evaluate(slice.start(), scope),
                evaluate(slice.stop(), scope),
                evaluate(slice.step(), scope));
    }

    private Value call(Expression.Call call, Scope scope) {
        Value callee = evaluate(call.callee(), scope);
        Arguments arguments = arguments(call.inputs(), scope);
        rendering.at(call.line());
        return call(callee, arguments);
    }

    Value call(Value callee, Arguments arguments) {
        if (callee instanceof Value.Undefined undefined) {
            throw rendering.undefined(undefined);
        }
        Optional<Value.Body> body = switch (callee) {
            case Value.Function function -> Optional.of(function.body());
            case Value.Thing thing -> thing.body();
            default -> Optional.empty();
        };
        return body.orElseThrow(() -> rendering.invalid("'" + Kinds.nameOf(callee) + "' object is not callable"))
                .call(arguments);
    }

    Arguments arguments(Inputs inputs, Scope scope) {
        if (inputs.named().isEmpty()
                && inputs.spread().isEmpty()
                && inputs.spreadNamed().isEmpty()) {
            return inputs.positional().isEmpty()
                    ? Arguments.EMPTY
                    : new Arguments(all(inputs.positional(), scope), Map.of());
        }
        List<Value> positional = all(inputs.positional(), scope);
        Map<String, Value> named = new LinkedHashMap<>();
        for (Expression.Keyword keyword : inputs.named()) {
            named.put(keyword.name(), evaluate(keyword.value(), scope));
        }
        for (Expression spread : inputs.spread()) {
            positional.addAll(Sequences.values(rendering, evaluate(spread, scope)));
        }
        for (Expression spread : inputs.spreadNamed()) {
            Value value = evaluate(spread, scope);
            if (!(value instanceof Value.Dict dict)) {
                throw rendering.invalid("argument after ** must be a mapping, not " + Kinds.nameOf(value));
            }
            rendering.steps(dict.entries().size());
            dict.entries().forEach((key, given) -> named.put(print(key), given));
        }
        return new Arguments(positional, named);
    }

    Value filtered(List<Application> filters, Value input, Scope scope) {
        Value value = input;
        for (Application filter : filters) {
            value = filtered(filter, value, scope);
        }
        return value;
    }

    private Value filtered(Application filter, Value input, Scope scope) {
        Arguments arguments = arguments(filter.inputs(), scope);
        rendering.at(filter.line());
        return Filters.named(rendering, filter.name()).apply(rendering, input, arguments);
    }

    private Value test(Expression.Test test, Scope scope) {
        Value input = evaluate(test.input(), scope);
        Arguments arguments = arguments(test.test().inputs(), scope);
        return Value.of(Predicates.named(rendering, test.test().name()).holds(rendering, input, arguments));
    }

    private Value sign(Expression.Sign sign, Scope scope) {
        Value operand = evaluate(sign.operand(), scope);
        return sign.negative() ? Operators.negate(rendering, operand) : Operators.plus(rendering, operand);
    }

    private Value binary(Expression.Operator operator, Value left, Value right) {
        return switch (operator) {
            case ADD -> Operators.add(rendering, left, right);
            case SUBTRACT -> Operators.subtract(rendering, left, right);
            case MULTIPLY -> Operators.multiply(rendering, left, right);
            case DIVIDE -> Operators.divide(rendering, left, right);
            case FLOOR_DIVIDE -> Operators.floorDivide(rendering, left, right);
            case REMAINDER -> Operators.remainder(rendering, left, right);
            case POWER -> Operators.power(rendering, left, right);
        };
    }

    private boolean holds(Expression.Chain chain, Scope scope) {
        Value left = evaluate(chain.first(), scope);
        for (Link link : chain.links()) {
            Value right = evaluate(link.operand(), scope);
            if (!holds(link.relation(), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private boolean holds(Expression.Relation relation, Value left, Value right) {
        return switch (relation) {
            case EQUAL -> Comparison.equal(rendering, left, right);
            case NOT_EQUAL -> !Comparison.equal(rendering, left, right);
            case LESS -> Comparison.compare(rendering, left, right, "<") < 0;
            case LESS_OR_EQUAL -> Comparison.compare(rendering, left, right, "<=") <= 0;
            case GREATER -> Comparison.compare(rendering, left, right, ">") > 0;
            case GREATER_OR_EQUAL -> Comparison.compare(rendering, left, right, ">=") >= 0;
            case IN -> Comparison.contains(rendering, right, left);
            case NOT_IN -> !Comparison.contains(rendering, right, left);
        };
    }

    /// The first operand with that truth, or the last: what `or` and `and` give.
    private Value firstWithTruth(boolean truth, List<Expression> operands, Scope scope) {
        Value value = Value.NONE;
        for (Expression operand : operands) {
            value = evaluate(operand, scope);
            if (Kinds.isTrue(value) == truth) {
                return value;
            }
        }
        return value;
    }

    private Value concatenate(Expression.Concatenation concatenation, Scope scope) {
        var text = new Output(rendering);
        for (Expression part : concatenation.parts()) {
            text.append(print(part, scope));
        }
        return text.value();
    }
}
