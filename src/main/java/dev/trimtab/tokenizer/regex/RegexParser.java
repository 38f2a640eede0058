package dev.trimtab.tokenizer.regex;

import dev.trimtab.error.Unsupported;
import java.util.ArrayList;
import java.util.List;

/// Parses patterns in the part of Oniguruma's syntax (Hugging Face's engine) that tokenizers use:
/// alternatives, groups, `(?i:...)`, classes with ranges, negation, nesting and `&&`, `\p{..}`, `\s \d \w`,
/// quantifiers, look-ahead, look-behind of one code point, and anchors. What else there is, such as back
/// references, is refused by name.
///
/// Possessive quantifiers and atomic groups are read as greedy ones: an engine that does not backtrack has
/// nothing to save. The match differs only where a pattern relies on failing instead of giving back.
final class RegexParser {
    /// Real patterns nest four or five deep.
    private static final int DEPTH_MAX = 32;

    /// Longer counted repetitions than any known pattern has (512).
    private static final int COUNT_MAX = 1024;

    private final String pattern;
    private int position;
    private boolean ignoresCase;
    private int depth;

    private RegexParser(String pattern) {
        this.pattern = pattern;
    }

    /// @throws Unsupported for what is not in the syntax above
    static Node parse(String pattern) {
        RegexParser parser = new RegexParser(pattern);
        Node node = parser.choice();
        if (parser.position < pattern.length()) {
            throw parser.unsupported("an unopened )");
        }
        return node;
    }

    private Node choice() {
        if (++depth > DEPTH_MAX) {
            throw unsupported("groups more than " + DEPTH_MAX + " deep");
        }
        List<Node> choices = new ArrayList<>();
        boolean outerCase = ignoresCase;
        choices.add(sequence());
        while (take('|')) {
            choices.add(sequence());
        }
        ignoresCase = outerCase;
        depth--;
        return choices.size() == 1 ? choices.getFirst() : new Node.Choice(List.copyOf(choices));
    }

    private Node sequence() {
        List<Node> parts = new ArrayList<>();
        while (position < pattern.length() && peek() != '|' && peek() != ')') {
            Node part = atom();
            parts.add(quantified(part));
        }
        return parts.size() == 1 ? parts.getFirst() : new Node.Sequence(List.copyOf(parts));
    }

    private Node quantified(Node atom) {
        Node node = atom;
        while (position < pattern.length()) {
            int min;
            int max;
            if (take('*')) {
                min = 0;
                max = Node.UNBOUNDED;
            } else if (take('+')) {
                min = 1;
                max = Node.UNBOUNDED;
            } else if (take('?')) {
                min = 0;
                max = 1;
            } else if (isCount()) {
                position++;
                boolean open = peek() == ',';
                min = open ? 0 : number();
                max = take(',') ? (peek() == '}' ? Node.UNBOUNDED : number()) : min;
                require('}');
            } else {
                return node;
            }
            if (max < min) {
                throw unsupported("a repetition of " + min + " to " + max);
            }
            Node.Greed greed = take('?') ? Node.Greed.SHORTEST : Node.Greed.LONGEST;
            take('+');
            node = new Node.Repeat(node, min, max, greed);
        }
        return node;
    }

    /// Whether `{2}`, `{2,}`, `{,3}` or `{2,3}` stands here; any other brace stands for itself.
    private boolean isCount() {
        int end = pattern.indexOf('}', position);
        return peek() == '{' && end > 0 && pattern.substring(position + 1, end).matches("\\d+(,\\d*)?|,\\d+");
    }

    private int number() {
        int start = position;
        while (Character.isDigit(peek())) {
            position++;
        }
        boolean fits = position - start <= 4 && position > start;
        int number = fits ? Integer.parseInt(pattern.substring(start, position)) : COUNT_MAX + 1;
        if (number > COUNT_MAX) {
            throw unsupported("a repetition of more than " + COUNT_MAX);
        }
        return number;
    }

    private Node atom() {
        int codePoint = next();
        return switch (codePoint) {
            case '(' -> group();
            case '[' -> new Node.One(set());
            case '.' -> new Node.One(CodePoints.of('\n').negated());
            case '^' -> new Node.Anchor(Node.Place.LINE_START);
            case '$' -> new Node.Anchor(Node.Place.LINE_END);
            case '\\' -> escaped();
            case '*', '+', '?' -> throw unsupported("a quantifier with nothing before it");
            default -> new Node.One(cased(CodePoints.of(codePoint)));
        };
    }

    private Node group() {
        if (!take('?') || take(':') || take('>')) {
            return closed(choice());
        }
        if (take('=')) {
            return look(Node.Side.AHEAD, Node.Sign.PRESENT);
        }
        if (take('!')) {
            return look(Node.Side.AHEAD, Node.Sign.ABSENT);
        }
        if (pattern.startsWith("<=", position) || pattern.startsWith("<!", position)) {
            Node.Sign sign = pattern.charAt(position + 1) == '=' ? Node.Sign.PRESENT : Node.Sign.ABSENT;
            position += 2;
            return look(Node.Side.BEHIND, sign);
        }
        if (pattern.startsWith("<", position) || pattern.startsWith("P<", position)) {
            position = pattern.indexOf('>', position) + 1;
            if (position == 0) {
                throw unsupported("a group's name without an end");
            }
            return closed(choice());
        }
        return withFlags();
    }

    /// `(?i:...)`, `(?-i:...)` and `(?i)` up to the end of the group around it.
    private Node withFlags() {
        boolean outer = ignoresCase;
        boolean on = !take('-');
        if (!take('i')) {
            throw unsupported("a group that begins with (?" + Character.toString(peek()));
        }
        ignoresCase = on;
        if (take(')')) {
            return new Node.Sequence(List.of());
        }
        require(':');
        Node body = closed(choice());
        ignoresCase = outer;
        return body;
    }

    private Node look(Node.Side side, Node.Sign sign) {
        Node body = closed(choice());
        if (side == Node.Side.BEHIND && !(body instanceof Node.One)) {
            throw unsupported("a look-behind at more than one character");
        }
        return new Node.Look(body, side, sign);
    }

    private Node closed(Node body) {
        require(')');
        return body;
    }

    private Node escaped() {
        int start = position;
        int codePoint = next();
        return switch (codePoint) {
            case 'A' -> new Node.Anchor(Node.Place.TEXT_START);
            case 'z', 'Z' -> new Node.Anchor(Node.Place.TEXT_END);
            case 'b' -> new Node.Anchor(Node.Place.WORD_BOUNDARY);
            case 'B' -> new Node.Anchor(Node.Place.NO_WORD_BOUNDARY);
            default -> {
                position = start;
                yield new Node.One(cased(escapedSet()));
            }
        };
    }

    private CodePoints cased(CodePoints set) {
        return ignoresCase ? set.ignoringCase() : set;
    }

    /// A class, after its `[`.
    private CodePoints set() {
        if (++depth > DEPTH_MAX) {
            throw unsupported("classes more than " + DEPTH_MAX + " deep");
        }
        boolean negated = take('^');
        CodePoints union = CodePoints.NONE;
        CodePoints left = CodePoints.ALL;
        boolean first = true;
        while (first || peek() != ']') {
            if (pattern.startsWith("&&", position)) {
                position += 2;
                left = left.and(union);
                union = CodePoints.NONE;
            } else {
                union = union.or(member());
            }
            first = false;
        }
        position++;
        depth--;
        CodePoints all = left.and(union);
        return negated ? all.negated() : all;
    }

    private CodePoints member() {
        if (pattern.startsWith("[:", position)) {
            return posixClass();
        }
        if (take('[')) {
            return set();
        }
        int start = position;
        CodePoints single = cased(take('\\') ? escapedSet() : CodePoints.of(next()));
        if (peek() != '-' || position + 1 >= pattern.length() || pattern.charAt(position + 1) == ']') {
            return single;
        }
        int low = literal(start, position);
        int dash = position++;
        if (low < 0 || peek() == '[') {
            position = dash + 1;
            return single.or(CodePoints.of('-'));
        }
        int highStart = position;
        if (take('\\')) {
            escapedSet();
        } else {
            next();
        }
        int high = literal(highStart, position);
        if (high < low) {
            throw unsupported("the range " + pattern.substring(start, position));
        }
        return cased(CodePoints.range(low, high));
    }

    private CodePoints posixClass() {
        int end = pattern.indexOf(":]", position);
        if (end < 0) {
            throw unsupported("a class's name without an end");
        }
        boolean negated = pattern.charAt(position + 2) == '^';
        String name = pattern.substring(position + (negated ? 3 : 2), end);
        position = end + 2;
        CodePoints set = CodePoints.property(name).orElseThrow(() -> unsupported("the class [:" + name + ":]"));
        return negated ? set.negated() : set;
    }

    /// The one code point that `pattern` writes from `start` to before `end`, or -1 where it writes a set.
    private int literal(int start, int end) {
        if (pattern.charAt(start) != '\\') {
            return pattern.codePointAt(start);
        }
        RegexParser escape = new RegexParser(pattern.substring(start + 1, end));
        return escape.escapedCodePoint();
    }

    /// What a backslash makes of what follows it.
    private CodePoints escapedSet() {
        int start = position;
        int codePoint = next();
        return switch (codePoint) {
            case 's' -> CodePoints.WHITE_SPACE;
            case 'S' -> CodePoints.WHITE_SPACE.negated();
            case 'd' -> CodePoints.DIGIT;
            case 'D' -> CodePoints.DIGIT.negated();
            case 'w' -> CodePoints.WORD;
            case 'W' -> CodePoints.WORD.negated();
            case 'p' -> property();
            case 'P' -> property().negated();
            default -> {
                position = start;
                int literal = escapedCodePoint();
                if (literal < 0) {
                    throw unsupported("\\" + Character.toString(codePoint));
                }
                yield CodePoints.of(literal);
            }
        };
    }

    private CodePoints property() {
        String name;
        boolean negated = false;
        if (take('{')) {
            negated = take('^');
            int end = pattern.indexOf('}', position);
            if (end < 0) {
                throw unsupported("a property's name without an end");
            }
            name = pattern.substring(position, end);
            position = end + 1;
        } else {
            name = Character.toString(next());
        }
        CodePoints set = CodePoints.property(name).orElseThrow(() -> unsupported("the property \\p{" + name + "}"));
        return negated ? set.negated() : set;
    }

    /// The code point that an escape stands for, or -1 where it stands for something else.
    private int escapedCodePoint() {
        int codePoint = next();
        return switch (codePoint) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'f' -> '\f';
            case 'v' -> 0x0B;
            case 'a' -> 0x07;
            case 'e' -> 0x1B;
            case '0' -> 0;
            case 'x' -> peek() == '{' ? braced() : hexadecimal(2);
            case 'u' -> hexadecimal(4);
            default -> Character.isLetterOrDigit(codePoint) ? -1 : codePoint;
        };
    }

    private int braced() {
        int end = pattern.indexOf('}', position);
        position++;
        int codePoint = hexadecimal(end - position);
        position++;
        return codePoint;
    }

    private int hexadecimal(int digits) {
        int end = position + digits;
        if (digits < 1
                || digits > 6
                || end > pattern.length()
                || !pattern.substring(position, end).matches("[0-9a-fA-F]+")) {
            throw unsupported("an escape without its digits");
        }
        int codePoint = Integer.parseInt(pattern.substring(position, end), 16);
        position = end;
        if (!Character.isValidCodePoint(codePoint)) {
            throw unsupported("the code point " + codePoint);
        }
        return codePoint;
    }

    /// The character here, or 0 at the end.
    private char peek() {
        return position < pattern.length() ? pattern.charAt(position) : 0;
    }

    private int next() {
        if (position >= pattern.length()) {
            throw unsupported("an end where more must follow");
        }
        int codePoint = pattern.codePointAt(position);
        position += Character.charCount(codePoint);
        return codePoint;
    }

    private boolean take(char character) {
        boolean here = position < pattern.length() && pattern.charAt(position) == character;
        position += here ? 1 : 0;
        return here;
    }

    private void require(char character) {
        if (!take(character)) {
            throw unsupported("no " + character + " where one must stand");
        }
    }

    private Unsupported unsupported(String what) {
        return new Unsupported("regular expression " + Regex.shortened(pattern) + ": " + what + " at character "
                + position + " is not supported");
    }
}
