package dev.trimtab.tokenizer.regex;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import java.util.ArrayList;
import java.util.List;

/// A compiled regular expression that finds what a backtracking engine would find, in time proportional to
/// the text looked at times the pattern's length: all ways to match go on side by side, in the order in which
/// a backtracking engine would try them (Pike's machine; Cox, "Regular Expression Matching: the Virtual
/// Machine Approach", 2009). Patterns come from files of unknown origin, so their length and what they unfold
/// to are limited, and a [Search] counts its steps.
///
/// Immutable; a [Search] belongs to one thread.
public final class Regex {
    /// The longest pattern known has under 1,500 characters.
    static final int PATTERN_MAX = 8192;

    /// Counted repetitions unfold: `\s{512}` is 512 instructions.
    private static final int INSTRUCTIONS_MAX = 1 << 14;

    private enum Operation {
        ONE,
        FORK,
        JUMP,
        LOOK_AHEAD,
        LOOK_BEHIND,
        ANCHOR,
        MATCH
    }

    /// One step of the machine. A fork prefers `next`; `set`, `ahead`, `sign` and `place` mean something to
    /// the operations that use them.
    private record Instruction(
            Operation operation,
            int next,
            int other,
            CodePoints set,
            List<Instruction> ahead,
            Node.Sign sign,
            Node.Place place) {
        static Instruction of(Operation operation, int next, int other) {
            return new Instruction(
                    operation, next, other, CodePoints.NONE, List.of(), Node.Sign.PRESENT, Node.Place.TEXT_END);
        }

        Instruction with(CodePoints newSet, Node.Sign newSign) {
            return new Instruction(operation, next, other, newSet, ahead, newSign, place);
        }

        Instruction with(List<Instruction> newAhead, Node.Sign newSign) {
            return new Instruction(operation, next, other, set, newAhead, newSign, place);
        }

        Instruction with(Node.Place newPlace) {
            return new Instruction(operation, next, other, set, ahead, sign, newPlace);
        }
    }

    private final String pattern;
    private final Instruction[] program;

    private Regex(String pattern, List<Instruction> program) {
        this.pattern = pattern;
        this.program = program.toArray(Instruction[]::new);
    }

    /// Compiles `pattern`.
    ///
    /// @throws BadCheckpoint when it, or what it unfolds to, is too long
    /// @throws Unsupported for syntax that [RegexParser] does not know
    public static Regex compile(String pattern) {
        if (pattern.length() > PATTERN_MAX) {
            throw BadCheckpoint.mismatch(
                    "regular expression " + shortened(pattern),
                    "at most " + PATTERN_MAX + " characters",
                    pattern.length());
        }
        List<Instruction> program = new ArrayList<>();
        emit(RegexParser.parse(pattern), program, pattern);
        program.add(Instruction.of(Operation.MATCH, 0, 0));
        return new Regex(pattern, program);
    }

    /// A pattern for messages.
    static String shortened(String pattern) {
        return pattern.length() <= 60 ? "'" + pattern + "'" : "'" + pattern.substring(0, 57) + "...'";
    }

    private static void emit(Node node, List<Instruction> program, String pattern) {
        if (program.size() > INSTRUCTIONS_MAX) {
            throw BadCheckpoint.mismatch(
                    "regular expression " + shortened(pattern),
                    "at most " + INSTRUCTIONS_MAX + " steps when unfolded",
                    "more");
        }
        int next = program.size() + 1;
        switch (node) {
            case Node.One(CodePoints set) ->
                program.add(Instruction.of(Operation.ONE, next, 0).with(set, Node.Sign.PRESENT));
            case Node.Sequence(List<Node> parts) -> parts.forEach(part -> emit(part, program, pattern));
            case Node.Choice(List<Node> choices) -> emitChoice(choices, program, pattern);
            case Node.Repeat repeat -> emitRepeat(repeat, program, pattern);
            case Node.Anchor(Node.Place place) ->
                program.add(Instruction.of(Operation.ANCHOR, next, 0).with(place));
            case Node.Look(Node.One(CodePoints set), Node.Side side, Node.Sign sign) -> {
                boolean ahead = side == Node.Side.AHEAD;
                program.add(Instruction.of(ahead ? Operation.LOOK_AHEAD : Operation.LOOK_BEHIND, next, 0)
                        .with(set, sign));
            }
            case Node.Look(Node body, Node.Side _, Node.Sign sign) -> {
                List<Instruction> ahead = new ArrayList<>();
                emit(body, ahead, pattern);
                ahead.add(Instruction.of(Operation.MATCH, 0, 0));
                program.add(Instruction.of(Operation.LOOK_AHEAD, next, 0).with(ahead, sign));
            }
        }
    }

    private static void emitChoice(List<Node> choices, List<Instruction> program, String pattern) {
        List<Integer> jumps = new ArrayList<>();
        for (int i = 0; i < choices.size() - 1; i++) {
            int fork = reserve(program);
            emit(choices.get(i), program, pattern);
            jumps.add(reserve(program));
            program.set(fork, Instruction.of(Operation.FORK, fork + 1, program.size()));
        }
        emit(choices.getLast(), program, pattern);
        jumps.forEach(jump -> program.set(jump, Instruction.of(Operation.JUMP, program.size(), 0)));
    }

    private static void emitRepeat(Node.Repeat repeat, List<Instruction> program, String pattern) {
        for (int i = 0; i < repeat.min(); i++) {
            emit(repeat.body(), program, pattern);
        }
        if (repeat.max() == Node.UNBOUNDED) {
            int fork = reserve(program);
            emit(repeat.body(), program, pattern);
            program.add(Instruction.of(Operation.JUMP, fork, 0));
            program.set(fork, fork(repeat.greed(), fork + 1, program.size()));
            return;
        }
        List<Integer> forks = new ArrayList<>();
        for (int i = repeat.min(); i < repeat.max(); i++) {
            forks.add(reserve(program));
            emit(repeat.body(), program, pattern);
        }
        forks.forEach(fork -> program.set(fork, fork(repeat.greed(), fork + 1, program.size())));
    }

    private static Instruction fork(Node.Greed greed, int body, int end) {
        return switch (greed) {
            case LONGEST -> Instruction.of(Operation.FORK, body, end);
            case SHORTEST -> Instruction.of(Operation.FORK, end, body);
        };
    }

    private static int reserve(List<Instruction> program) {
        program.add(Instruction.of(Operation.JUMP, 0, 0));
        return program.size() - 1;
    }

    /// A search through `text`.
    public Search in(String text) {
        return new Search(text, new long[] {0});
    }

    @Override
    public String toString() {
        return pattern;
    }

    /// The matches of one text, from left to right.
    public final class Search {
        private static final int NO_MATCH = -1;

        /// Steps a character: no real pattern needs a tenth of it on any text, and a hostile one costs
        /// milliseconds a kilobyte at worst.
        private static final long STEPS_PER_CHARACTER = 1024;

        private final String text;
        private final long[] steps;
        private int start;
        private int end;
        private int[] current = new int[program.length];
        private int[] following = new int[program.length];
        private final int[] marks = new int[program.length];
        private final int[] stack = new int[program.length + 1];
        private int mark;
        private int size;

        private Search(String text, long[] steps) {
            this.text = text;
            this.steps = steps;
        }

        /// Where the match that [#find] found begins.
        public int start() {
            return start;
        }

        /// Where it ends.
        public int end() {
            return end;
        }

        /// Finds the leftmost match that begins at `from` or later; it may be empty.
        ///
        /// @throws BadCheckpoint when the pattern takes more steps than any sensible one
        public boolean find(int from) {
            for (int i = from; i <= text.length(); i = i < text.length() ? text.offsetByCodePoints(i, 1) : i + 1) {
                int match = match(i);
                if (match != NO_MATCH) {
                    start = i;
                    end = match;
                    return true;
                }
            }
            return false;
        }

        /// Whether a match begins at `from`.
        public boolean findAt(int from) {
            start = from;
            end = match(from);
            return end != NO_MATCH;
        }

        /// Where the preferred match at `from` ends.
        private int match(int from) {
            int match = NO_MATCH;
            size = 0;
            mark++;
            add(0, from);
            for (int i = from; size > 0; ) {
                int[] list = current;
                int count = size;
                current = following;
                following = list;
                int codePoint = i < text.length() ? text.codePointAt(i) : NO_MATCH;
                int next = i + (codePoint == NO_MATCH ? 0 : Character.charCount(codePoint));
                size = 0;
                mark++;
                count(count);
                for (int k = 0; k < count; k++) {
                    Instruction instruction = program[list[k]];
                    if (instruction.operation == Operation.MATCH) {
                        match = i;
                        break;
                    }
                    if (codePoint != NO_MATCH && instruction.set.holds(codePoint)) {
                        add(instruction.next, next);
                    }
                }
                i = next;
            }
            return match;
        }

        /// Adds what `first` leads to without taking a code point, in the order of preference.
        private void add(int first, int at) {
            int depth = 0;
            stack[depth++] = first;
            while (depth > 0) {
                int number = stack[--depth];
                if (marks[number] == mark) {
                    continue;
                }
                marks[number] = mark;
                count(1);
                Instruction instruction = program[number];
                switch (instruction.operation) {
                    case ONE, MATCH -> current[size++] = number;
                    case JUMP -> stack[depth++] = instruction.next;
                    case FORK -> {
                        stack[depth++] = instruction.other;
                        stack[depth++] = instruction.next;
                    }
                    case LOOK_AHEAD, LOOK_BEHIND, ANCHOR -> {
                        if (isAt(instruction, at)) {
                            stack[depth++] = instruction.next;
                        }
                    }
                }
            }
        }

        private boolean isAt(Instruction instruction, int at) {
            boolean present = instruction.sign == Node.Sign.PRESENT;
            return switch (instruction.operation) {
                case LOOK_BEHIND -> present == (at > 0 && instruction.set.holds(text.codePointBefore(at)));
                case LOOK_AHEAD ->
                    present
                            == (instruction.ahead.isEmpty()
                                    ? at < text.length() && instruction.set.holds(text.codePointAt(at))
                                    : new Regex(pattern, instruction.ahead).new Search(text, steps).match(at)
                                            != NO_MATCH);
                case ANCHOR -> isPlace(instruction.place, at);
                case ONE, FORK, JUMP, MATCH -> false;
            };
        }

        private boolean isPlace(Node.Place place, int at) {
            return switch (place) {
                case TEXT_START -> at == 0;
                case TEXT_END -> at == text.length();
                case LINE_START -> at == 0 || text.charAt(at - 1) == '\n';
                case LINE_END -> at == text.length() || text.charAt(at) == '\n';
                case WORD_BOUNDARY -> isWordBoundary(at);
                case NO_WORD_BOUNDARY -> !isWordBoundary(at);
            };
        }

        private boolean isWordBoundary(int at) {
            boolean before = at > 0 && CodePoints.WORD.holds(text.codePointBefore(at));
            boolean after = at < text.length() && CodePoints.WORD.holds(text.codePointAt(at));
            return before != after;
        }

        private void count(int more) {
            steps[0] += more;
            if (steps[0] > STEPS_PER_CHARACTER * (text.length() + 16L)) {
                throw new BadCheckpoint("regular expression " + shortened(pattern) + ": more than "
                        + STEPS_PER_CHARACTER + " steps a character for a text of " + text.length());
            }
        }
    }
}
