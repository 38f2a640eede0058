package dev.trimtab.template.value;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A value of a template: Python's kinds, all immutable but [Thing].
///
/// No value reaches a Java object, and no list or dict nests deeper than [Rendering] allows, so that
/// every walk over a value ends within a known depth of stack.
public sealed interface Value {
    /// Python's `None`.
    Value NONE = new None();

    Value TRUE = new Bool(true);
    Value FALSE = new Bool(false);
    Value EMPTY_TEXT = new Text("");

    /// The two truth values, never a third instance.
    static Value of(boolean truth) {
        return truth ? TRUE : FALSE;
    }

    static Value of(long number) {
        return new Int(number);
    }

    static Value of(String text) {
        return text.isEmpty() ? EMPTY_TEXT : new Text(text);
    }

    /// A variable that has no value, with the words an error will need.
    static Value undefinedName(String name) {
        return new Undefined(NONE, name);
    }

    record None() implements Value {}

    /// What an unknown name or a missing attribute evaluates to: prints as nothing, fails when looked
    /// into. `owner` is what lacked the attribute, [#NONE] for a plain name.
    record Undefined(Value owner, String name) implements Value {
        String message() {
            return owner instanceof None
                    ? "'" + name + "' is undefined"
                    : "'" + Kinds.nameOf(owner) + " object' has no attribute '" + name + "'";
        }
    }

    /// As keys of a dict, and only there, `true`, `1` and `1.0` are the same.
    record Bool(boolean truth) implements Value {
        @Override
        public boolean equals(@Nullable Object other) {
            return Kinds.isSameKey(this, other);
        }

        @Override
        public int hashCode() {
            return Kinds.keyHash(this);
        }
    }

    record Int(long number) implements Value, Comparable<Int> {
        @Override
        public int compareTo(Int other) {
            return Long.compare(number, other.number);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return Kinds.isSameKey(this, other);
        }

        @Override
        public int hashCode() {
            return Kinds.keyHash(this);
        }
    }

    record Real(double number) implements Value {
        @Override
        public boolean equals(@Nullable Object other) {
            return Kinds.isSameKey(this, other);
        }

        @Override
        public int hashCode() {
            return Kinds.keyHash(this);
        }
    }

    /// Comparable so that a dict stays fast when hostile keys share their hash.
    record Text(String text) implements Value, Comparable<Text> {
        @Override
        public int compareTo(Text other) {
            return text.compareTo(other.text);
        }
    }

    /// What a sequence prints and compares as.
    enum Shape {
        LIST,
        TUPLE,
        KEYS_VIEW,
        VALUES_VIEW,
        ITEMS_VIEW
    }

    /// A sequence of values. `depth` counts the levels of nesting below and with this one; made by
    /// [Rendering].
    record Items(Shape shape, List<Value> values, int depth) implements Value {}

    /// A dict in insertion order; keys are texts, numbers, truth values or none. Made by [Rendering].
    record Dict(Map<Value, Value> entries, int depth) implements Value {}

    /// Python's `range`, not yet written out.
    record Range(long start, long stop, long step) implements Value {
        /// The number of elements; no overflow, because [Rendering] bounds what it makes.
        public long size() {
            long span = step > 0 ? stop - start : start - stop;
            long stride = Math.abs(step);
            return span <= 0 ? 0 : (span + stride - 1) / stride;
        }
    }

    /// Something that can be called: a macro, a bound method, a global.
    record Function(String name, Body body) implements Value {}

    /// What a [Function] does.
    @FunctionalInterface
    interface Body {
        Value call(Arguments arguments);
    }

    /// A value with an identity and a state of its own: a namespace, a loop, a cycler.
    non-sealed interface Thing extends Value {
        /// Its attribute, or an [Undefined].
        Value attribute(String name);

        /// What calling it does, if it can be called.
        default Optional<Body> body() {
            return Optional.empty();
        }

        /// What `{{ it }}` prints.
        String printed();
    }
}
