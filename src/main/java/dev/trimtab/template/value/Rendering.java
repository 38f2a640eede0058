package dev.trimtab.template.value;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.TrimtabException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One rendering under way: where it is, for messages, and what it has used of its limits.
///
/// A template comes from a file of unknown origin and may be written to exhaust the server. Each limit
/// lies far above what real templates use (a chat of a thousand turns takes some 100,000 steps) and low
/// enough that the worst template costs a fraction of a second and some hundred megabytes, once.
public final class Rendering {
    /// Nodes evaluated and list elements made.
    public static final long STEPS_MAX = 5_000_000;

    /// Calls of the interpreter inside each other. Real templates with recursive macros stay under 200;
    /// a level costs some 300 bytes of stack, so that this fits the smallest stack a server thread has.
    public static final int DEPTH_MAX = 600;

    /// Levels of lists and dicts inside each other, in the context or made by the template.
    public static final int NESTING_MAX = 100;

    /// Characters of all strings made by one rendering together: bounds its memory.
    public static final long CHARS_MAX = 64L << 20;

    /// Characters of the rendered prompt.
    public static final int OUTPUT_MAX = 16 << 20;

    /// Elements of one `range`, Jinja's own limit in its sandbox.
    public static final long RANGE_MAX = 100_000;

    /// List elements copied or passed over for which one step is charged.
    private static final int ELEMENTS_A_STEP = 8;

    /// Characters read for which one step is charged: reading is cheaper than making.
    private static final int CHARS_A_STEP = 64;

    /// The longest text that is usually searched for; longer ones pay for their worst case.
    private static final int SEARCHED_MAX = 64;

    private final Clock clock;
    private long steps;
    private long chars;
    private int depth;
    private int line = 1;

    public Rendering(Clock clock) {
        this.clock = clock;
    }

    public Clock clock() {
        return clock;
    }

    /// Says where in the template the rendering is.
    public void at(int sourceLine) {
        line = sourceLine;
    }

    /// Counts one step.
    public void step() {
        if (++steps > STEPS_MAX) {
            throw limit("steps", STEPS_MAX);
        }
    }

    /// Counts the elements about to be made.
    public void steps(long count) {
        steps += count;
        if (steps > STEPS_MAX) {
            throw limit("steps", STEPS_MAX);
        }
    }

    /// Counts the elements of a list about to be copied or passed over, which is cheaper than making them.
    public void visits(long count) {
        steps(count / ELEMENTS_A_STEP + 1);
    }

    /// Counts a text about to be searched or compared.
    public void reads(long length) {
        steps(length / CHARS_A_STEP + 1);
    }

    /// Counts a search: one pass over the text as a rule, but a hostile pair makes it cost their product.
    public void searches(String text, String part) {
        long worst = part.length() <= SEARCHED_MAX ? 1 + part.length() / ELEMENTS_A_STEP : part.length();
        steps(text.length() * worst / CHARS_A_STEP + 1);
    }

    /// Counts a text about to be made; call before making it.
    public void makes(long length) {
        chars += length;
        if (chars > CHARS_MAX) {
            throw limit("characters made", CHARS_MAX);
        }
        step();
    }

    /// Goes one call deeper; the caller pairs it with [#leave()].
    public void enter() {
        step();
        if (++depth > DEPTH_MAX) {
            throw limit("calls inside each other", DEPTH_MAX);
        }
    }

    public void leave() {
        depth--;
    }

    /// A text just made, counted.
    public Value text(String made) {
        makes(made.length());
        return Value.of(made);
    }

    public Value list(List<Value> values) {
        return items(Value.Shape.LIST, values);
    }

    /// A list of texts, each counted already.
    public Value texts(List<String> made) {
        steps(made.size());
        List<Value> values = new ArrayList<>(made.size());
        for (String text : made) {
            values.add(Value.of(text));
        }
        return new Value.Items(Value.Shape.LIST, values, 1);
    }

    public Value tuple(List<Value> values) {
        return items(Value.Shape.TUPLE, values);
    }

    public Value items(Value.Shape shape, List<Value> values) {
        visits(values.size());
        return new Value.Items(shape, values, depthOver(values));
    }

    /// As [#items(Value.Shape, List)], for values that come from lists of at most that depth.
    Value items(Value.Shape shape, List<Value> values, int depth) {
        visits(values.size());
        return new Value.Items(shape, values, depth);
    }

    public Value dict(Map<Value, Value> entries) {
        visits(entries.size());
        return new Value.Dict(entries, depthOver(entries.values()));
    }

    private int depthOver(Iterable<Value> values) {
        int deepest = 0;
        for (Value value : values) {
            if (value instanceof Value.Items items) {
                deepest = Math.max(deepest, items.depth());
            } else if (value instanceof Value.Dict dict) {
                deepest = Math.max(deepest, dict.depth());
            }
        }
        if (deepest >= NESTING_MAX) {
            throw limit("levels of nested values", NESTING_MAX);
        }
        return deepest + 1;
    }

    /// The template's value of a Java value of the context; see `ChatTemplate.render` for the kinds.
    public Value of(@Nullable Object given) {
        return of(given, 0);
    }

    private Value of(@Nullable Object given, int level) {
        if (level > NESTING_MAX) {
            throw InvalidRequest.of("the request nests values deeper than " + NESTING_MAX + " levels");
        }
        return switch (given) {
            case null -> Value.NONE;
            case Value value -> value;
            case String text -> Value.of(text);
            case Boolean truth -> Value.of(truth.booleanValue());
            case Long number -> Value.of(number.longValue());
            case Integer number -> Value.of(number.longValue());
            case Double number -> new Value.Real(number);
            case Number number -> new Value.Real(number.doubleValue());
            case List<?> list -> {
                List<Value> values = new ArrayList<>(list.size());
                for (Object element : list) {
                    values.add(of(element, level + 1));
                }
                yield list(values);
            }
            case Map<?, ?> map -> {
                Map<Value, Value> entries = LinkedHashMap.newLinkedHashMap(map.size());
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    entries.put(Value.of(String.valueOf(entry.getKey())), of(entry.getValue(), level + 1));
                }
                yield dict(entries);
            }
            default ->
                throw InvalidRequest.of(
                        "the request holds a " + given.getClass().getName() + ", which templates cannot show");
        };
    }

    /// What the template cannot do with what it was given (a number where it joins texts, say): the
    /// request and the template do not fit each other.
    public InvalidRequest invalid(String message) {
        return InvalidRequest.of("chat template, line " + line + ": " + message);
    }

    public InvalidRequest undefined(Value.Undefined value) {
        return invalid(value.message());
    }

    /// What no request could make right: the template itself asks for something that does not exist.
    public BadCheckpoint broken(String message) {
        return new BadCheckpoint("chat template, line " + line + ": " + message);
    }

    /// The template used more than its share of something.
    public TrimtabException limit(String what, long max) {
        return broken("more than " + max + " " + what + ", the limit of one rendering");
    }
}
