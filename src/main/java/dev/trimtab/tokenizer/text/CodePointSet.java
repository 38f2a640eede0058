package dev.trimtab.tokenizer.text;

import java.util.Arrays;

/// A class of code points, as `\p{L}` or `[^\s\p{L}\p{N}]` in a pattern: a union of [CharacterKind]s,
/// and ranges of code points for the few patterns that list them.
final class CodePointSet {
    private static final int[] NO_RANGES = {};

    static final CodePointSet NONE = new CodePointSet(0, NO_RANGES);
    static final CodePointSet SPACE = of(CharacterKind.SPACE);
    static final CodePointSet NEWLINE = of(CharacterKind.LINE_FEED, CharacterKind.CARRIAGE_RETURN);
    static final CodePointSet WHITESPACE = SPACE.or(NEWLINE).or(of(CharacterKind.TAB, CharacterKind.OTHER_SPACE));
    static final CodePointSet ASCII_LETTER = of(CharacterKind.ASCII_UPPER, CharacterKind.ASCII_LOWER);
    static final CodePointSet HAN = of(CharacterKind.HAN, CharacterKind.HAN_RARE);
    static final CodePointSet UNCASED = HAN.or(of(CharacterKind.UNCASED, CharacterKind.KANA));
    static final CodePointSet LETTER = UNCASED.or(ASCII_LETTER).or(of(CharacterKind.UPPER, CharacterKind.LOWER));
    /// The blocks Hiragana and Katakana, whatever their characters are.
    static final CodePointSet KANA = of(
            CharacterKind.KANA,
            CharacterKind.KANA_MARK,
            CharacterKind.KANA_PUNCTUATION,
            CharacterKind.KANA_SYMBOL,
            CharacterKind.KANA_OTHER);
    static final CodePointSet MARK = of(CharacterKind.MARK, CharacterKind.KANA_MARK);
    static final CodePointSet ASCII_DIGIT = of(CharacterKind.ASCII_DIGIT);
    static final CodePointSet NUMBER = of(CharacterKind.ASCII_DIGIT, CharacterKind.NUMBER);
    static final CodePointSet ASCII_PUNCTUATION =
            of(CharacterKind.ASCII_PUNCTUATION, CharacterKind.APOSTROPHE, CharacterKind.SLASH);
    static final CodePointSet PUNCTUATION =
            ASCII_PUNCTUATION.or(of(CharacterKind.PUNCTUATION, CharacterKind.KANA_PUNCTUATION));
    static final CodePointSet ASCII_SYMBOL = of(CharacterKind.ASCII_SYMBOL, CharacterKind.BACKTICK);
    static final CodePointSet SYMBOL = ASCII_SYMBOL.or(of(CharacterKind.SYMBOL, CharacterKind.KANA_SYMBOL));

    private final long kinds;
    private final int[] ranges;

    private CodePointSet(long kinds, int[] ranges) {
        this.kinds = kinds;
        this.ranges = ranges;
    }

    static CodePointSet of(CharacterKind... kinds) {
        long mask = 0;
        for (CharacterKind kind : kinds) {
            mask |= 1L << kind.number();
        }
        return new CodePointSet(mask, NO_RANGES);
    }

    /// The code points from the first to the second of each pair of `ends`, all outside ASCII.
    static CodePointSet ranges(int... ends) {
        return new CodePointSet(0, ends.clone());
    }

    CodePointSet or(CodePointSet other) {
        int[] both = Arrays.copyOf(ranges, ranges.length + other.ranges.length);
        System.arraycopy(other.ranges, 0, both, ranges.length, other.ranges.length);
        return new CodePointSet(kinds | other.kinds, both);
    }

    /// Everything but this, which must be made of kinds alone.
    CodePointSet negated() {
        assert ranges.length == 0;
        return new CodePointSet(~kinds & ((1L << CharacterKind.values().length) - 1), NO_RANGES);
    }

    boolean canHold(CharacterKind kind) {
        return (kinds >>> kind.number() & 1) != 0 || (ranges.length > 0 && !kind.isAscii());
    }

    /// Whether the code point that begins at byte `position` of `text` is in this set.
    boolean holds(Utf8Text text, int position) {
        return (kinds >>> text.kind(position) & 1) != 0 || (ranges.length > 0 && inRanges(text.codePoint(position)));
    }

    private boolean inRanges(int codePoint) {
        for (int i = 0; i < ranges.length; i += 2) {
            if (codePoint >= ranges[i] && codePoint <= ranges[i + 1]) {
                return true;
            }
        }
        return false;
    }
}
