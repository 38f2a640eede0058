package dev.trimtab.tokenizer;

/// The two word alternatives of GPT-4o and its followers, with U = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`,
/// L = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` and X = `[^\r\n\p{L}\p{N}]`: `X?U*L+C?` and `X?U+L*C?`, where `C?`
/// is an optional contraction.
///
/// U and L share uncased letters and marks. So when nothing of L follows the greedy `U*`, an engine
/// gives back up to the last shared character, which is then all that `L+` takes: that position is
/// remembered instead of searched.
record CasedWord(Shape shape, Ending ending) implements Alternative {
    /// Which of the two alternatives.
    enum Shape {
        UPPER_THEN_SOME_LOWER,
        SOME_UPPER_THEN_LOWER
    }

    /// What may close the word.
    enum Ending {
        NOTHING,
        CONTRACTION
    }

    private static final CodePointSet PREFIX =
            CodePointSet.NEWLINE.or(CodePointSet.LETTER).or(CodePointSet.NUMBER).negated();
    private static final CodePointSet SHARED = CodePointSet.UNCASED.or(CodePointSet.MARK);
    private static final CodePointSet UPPER =
            SHARED.or(CodePointSet.of(CharacterKind.ASCII_UPPER, CharacterKind.UPPER));
    private static final CodePointSet LOWER =
            SHARED.or(CodePointSet.of(CharacterKind.ASCII_LOWER, CharacterKind.LOWER));

    @Override
    public boolean canBegin(CharacterKind kind) {
        return PREFIX.canHold(kind) || CodePointSet.LETTER.canHold(kind);
    }

    @Override
    public int match(Utf8Text text, int start, int end) {
        int match = NO_MATCH;
        if (PREFIX.holds(text, start)) {
            match = matchLetters(text, text.next(start), end);
        }
        if (match == NO_MATCH) {
            match = matchLetters(text, start, end);
        }
        if (match == NO_MATCH || match == end || ending == Ending.NOTHING) {
            return match;
        }
        int contraction = Contraction.ANY_CASE.match(text, match, end);
        return contraction == NO_MATCH ? match : contraction;
    }

    private int matchLetters(Utf8Text text, int start, int end) {
        int position = start;
        int afterShared = NO_MATCH;
        while (position < end && UPPER.holds(text, position)) {
            boolean shared = SHARED.holds(text, position);
            position = text.next(position);
            afterShared = shared ? position : afterShared;
        }
        int match = Run.skip(LOWER, text, position, end);
        return switch (shape) {
            case UPPER_THEN_SOME_LOWER -> match > position ? match : afterShared;
            case SOME_UPPER_THEN_LOWER -> position > start ? match : NO_MATCH;
        };
    }
}
