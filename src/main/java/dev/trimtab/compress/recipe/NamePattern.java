package dev.trimtab.compress.recipe;

import dev.trimtab.error.BadConfiguration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntPredicate;

/// A pattern of tensor names: a glob, or the part of regular expressions that such patterns use. Recipes come
/// from anywhere, so nothing here backtracks: a node maps the set of places where a match may stand to the set
/// of places where it may go on (Thompson, "Regular Expression Search Algorithm", 1968, on the tree instead of
/// an automaton), and nesting and steps are limited.
///
/// Known in expressions: `.`, `[a-z]`, `[^a-z]`, `( )`, `(?: )`, `|`, `*`, `+`, `?`, `^`, `$`, `\d`, `\w`,
/// `\s` and a backslash before any sign. Counted repetition, look-around and back references are refused.
public final class NamePattern {
    /// The longest that a person writes has some 80 characters.
    private static final int LENGTH_MAX = 512;

    private static final int DEPTH_MAX = 16;

    /// What one name may cost: a sensible pattern takes some hundreds.
    private static final int STEPS_MAX = 100_000;

    /// A part of a pattern.
    private sealed interface Node {
        /// One character.
        record One(IntPredicate test) implements Node {}

        record Sequence(List<Node> parts) implements Node {}

        record Choice(List<Node> options) implements Node {}

        /// `part`, `least` times (0 or 1) or more, or at most once where not `unbounded`.
        record Repeat(Node part, int least, boolean unbounded) implements Node {}

        /// The name's beginning, or its end.
        record Edge(boolean start) implements Node {}
    }

    private final String text;
    private final Node root;
    private final boolean anywhere;

    private NamePattern(String text, Node root, boolean anywhere) {
        this.text = text;
        this.root = root;
        this.anywhere = anywhere;
    }

    /// `*` stands for any run of characters, `?` for one; the whole name must match.
    static NamePattern glob(String text) {
        List<Node> parts = new ArrayList<>();
        for (int i = 0; i < checked(text).length(); i++) {
            char c = text.charAt(i);
            Node any = new Node.One(_ -> true);
            parts.add(c == '*' ? new Node.Repeat(any, 0, true) : c == '?' ? any : new Node.One(other -> other == c));
        }
        return new NamePattern(text, new Node.Sequence(parts), false);
    }

    /// A regular expression, found anywhere in a name.
    ///
    /// @throws BadConfiguration where it is none, or uses what is not known here
    static NamePattern expression(String text) {
        Parser parser = new Parser(checked(text));
        Node root = parser.choice(0);
        if (parser.at < text.length()) {
            throw parser.refused("unmatched `)`");
        }
        return new NamePattern(text, root, true);
    }

    private static String checked(String text) {
        if (text.isEmpty() || text.length() > LENGTH_MAX) {
            throw new BadConfiguration(
                    "a pattern of 1.." + LENGTH_MAX + " characters expected, found " + text.length());
        }
        return text;
    }

    /// Whether `name` matches.
    ///
    /// @throws BadConfiguration when finding that out takes too long
    boolean matches(String name) {
        Matching matching = new Matching(name);
        BitSet starts = new BitSet();
        starts.set(0, anywhere ? name.length() + 1 : 1);
        BitSet ends = matching.step(root, starts);
        return anywhere ? !ends.isEmpty() : ends.get(name.length());
    }

    @Override
    public String toString() {
        return text;
    }

    /// One look at one name.
    private final class Matching {
        private final String name;
        private int steps;

        Matching(String name) {
            this.name = name;
        }

        BitSet step(Node node, BitSet starts) {
            steps += 1 + starts.cardinality();
            if (steps > STEPS_MAX) {
                throw new BadConfiguration("pattern `" + text + "`: takes too long on `" + name + "`; simplify it");
            }
            return switch (node) {
                case Node.One(IntPredicate test) -> one(test, starts);
                case Node.Sequence(List<Node> parts) -> {
                    BitSet places = starts;
                    for (Node part : parts) {
                        places = step(part, places);
                    }
                    yield places;
                }
                case Node.Choice(List<Node> options) -> {
                    BitSet ends = new BitSet();
                    options.forEach(option -> ends.or(step(option, starts)));
                    yield ends;
                }
                case Node.Repeat repeat -> repeat(repeat, starts);
                case Node.Edge(boolean start) -> {
                    BitSet ends = new BitSet();
                    int edge = start ? 0 : name.length();
                    ends.set(edge, starts.get(edge));
                    yield ends;
                }
            };
        }

        private BitSet one(IntPredicate test, BitSet starts) {
            BitSet ends = new BitSet();
            for (int i = starts.nextSetBit(0); i >= 0 && i < name.length(); i = starts.nextSetBit(i + 1)) {
                ends.set(i + 1, test.test(name.charAt(i)));
            }
            return ends;
        }

        /// Each round looks only at places that are new, so that there are at most as many as characters.
        private BitSet repeat(Node.Repeat repeat, BitSet starts) {
            BitSet fresh = repeat.least() == 0 ? (BitSet) starts.clone() : step(repeat.part(), starts);
            BitSet ends = (BitSet) fresh.clone();
            while (!fresh.isEmpty()) {
                fresh = step(repeat.part(), fresh);
                fresh.andNot(ends);
                ends.or(fresh);
                if (!repeat.unbounded()) {
                    break;
                }
            }
            return ends;
        }
    }

    /// By descent: choice of sequences of repeated atoms.
    private static final class Parser {
        private final String text;
        private int at;

        Parser(String text) {
            this.text = text;
        }

        Node choice(int depth) {
            if (depth > DEPTH_MAX) {
                throw refused("groups at most " + DEPTH_MAX + " deep expected");
            }
            List<Node> options = new ArrayList<>();
            options.add(sequence(depth));
            while (at < text.length() && text.charAt(at) == '|') {
                at++;
                options.add(sequence(depth));
            }
            return options.size() == 1 ? options.getFirst() : new Node.Choice(options);
        }

        private Node sequence(int depth) {
            List<Node> parts = new ArrayList<>();
            while (at < text.length() && text.charAt(at) != '|' && text.charAt(at) != ')') {
                Node part = atom(depth);
                while (at < text.length() && "*+?".indexOf(text.charAt(at)) >= 0) {
                    char sign = text.charAt(at++);
                    part = new Node.Repeat(part, sign == '+' ? 1 : 0, sign != '?');
                }
                parts.add(part);
            }
            return new Node.Sequence(parts);
        }

        private Node atom(int depth) {
            char c = text.charAt(at++);
            return switch (c) {
                case '.' -> new Node.One(_ -> true);
                case '^' -> new Node.Edge(true);
                case '$' -> new Node.Edge(false);
                case '(' -> group(depth);
                case '[' -> new Node.One(set());
                case '\\' -> new Node.One(escaped());
                case '*', '+', '?' -> throw refused("nothing to repeat before `" + c + "`");
                case '{' -> throw refused("counted repetition is not known here");
                default -> new Node.One(other -> other == c);
            };
        }

        private Node group(int depth) {
            if (text.startsWith("?", at)) {
                if (!text.startsWith("?:", at)) {
                    throw refused("`(?` other than `(?:` is not known here");
                }
                at += 2;
            }
            Node inner = choice(depth + 1);
            if (at >= text.length()) {
                throw refused("`(` without `)`");
            }
            at++;
            return inner;
        }

        private IntPredicate escaped() {
            char c = next("a sign after the backslash");
            return switch (c) {
                case 'd' -> other -> other >= '0' && other <= '9';
                case 'w' -> other -> other == '_' || (other < 128 && Character.isLetterOrDigit(other));
                case 's' -> Character::isWhitespace;
                default -> {
                    if (Character.isLetterOrDigit(c)) {
                        throw refused("`\\" + c + "` is not known here");
                    }
                    yield other -> other == c;
                }
            };
        }

        private IntPredicate set() {
            boolean negated = text.startsWith("^", at);
            at += negated ? 1 : 0;
            IntPredicate any = _ -> false;
            do {
                char c = next("`]`");
                any = any.or(c == '\\' ? escaped() : range(c));
            } while (at < text.length() && text.charAt(at) != ']');
            next("`]`");
            return negated ? any.negate() : any;
        }

        private IntPredicate range(char first) {
            if (at + 1 < text.length() && text.charAt(at) == '-' && text.charAt(at + 1) != ']') {
                char last = text.charAt(at + 1);
                at += 2;
                if (last < first || last == '\\') {
                    throw refused("the range `" + first + "-" + last + "` is none");
                }
                return other -> other >= first && other <= last;
            }
            return other -> other == first;
        }

        private char next(String expected) {
            if (at >= text.length()) {
                throw refused(expected + " expected");
            }
            return text.charAt(at++);
        }

        BadConfiguration refused(String what) {
            return new BadConfiguration("pattern `" + text + "`: " + what + ", at character " + at);
        }
    }
}
