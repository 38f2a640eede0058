package dev.trimtab.tokenizer.text;

/// The patterns that pre-tokenizers share. Each comment is the pattern in the usual notation.
final class Patterns {
    private static final CodePointSet OTHERS = others(CodePointSet.LETTER);

    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    static final Splitter GPT2 = Splitter.of(
            Alternative.Contraction.LOWER_CASE,
            Run.prefixed(CodePointSet.SPACE, CodePointSet.LETTER),
            Run.prefixed(CodePointSet.SPACE, CodePointSet.NUMBER),
            Run.prefixed(CodePointSet.SPACE, OTHERS),
            Alternative.Whitespace.BEFORE_WORD,
            Run.of(CodePointSet.WHITESPACE));

    /// `\p{N}`
    static final Splitter SINGLE_DIGITS = Splitter.of(Run.of(CodePointSet.NUMBER, 1, 1));

    /// `[0-9][0-9][0-9]`
    static final Splitter THREE_DIGITS = Splitter.of(Run.of(CodePointSet.ASCII_DIGIT, 3, 3));

    /// `[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|`
    /// ` ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    static final Splitter DEEPSEEK_WORDS = Splitter.of(
            new Led(CodePointSet.ASCII_PUNCTUATION.or(CodePointSet.ASCII_SYMBOL), CodePointSet.ASCII_LETTER),
            Run.prefixed(
                    CodePointSet.NEWLINE
                            .or(CodePointSet.LETTER)
                            .or(CodePointSet.PUNCTUATION)
                            .or(CodePointSet.SYMBOL)
                            .negated(),
                    CodePointSet.LETTER.or(CodePointSet.MARK)),
            Run.prefixed(CodePointSet.SPACE, CodePointSet.PUNCTUATION.or(CodePointSet.SYMBOL))
                    .followedBy(CodePointSet.NEWLINE),
            Alternative.Whitespace.LINES,
            Alternative.Whitespace.BEFORE_WORD,
            Run.of(CodePointSet.WHITESPACE));

    private Patterns() {}

    /// `[^\s\p{N}]` without `letters`
    private static CodePointSet others(CodePointSet letters) {
        return CodePointSet.WHITESPACE.or(letters).or(CodePointSet.NUMBER).negated();
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[letters]+|\p{N}{1,digits}|`
    /// ` ?[^\s\p{N}letters]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    static Splitter words(CodePointSet letters, int digits) {
        return Splitter.of(
                Alternative.Contraction.ANY_CASE,
                Run.prefixed(
                        CodePointSet.NEWLINE
                                .or(CodePointSet.LETTER)
                                .or(CodePointSet.NUMBER)
                                .negated(),
                        letters),
                Run.of(CodePointSet.NUMBER, 1, digits),
                Run.prefixed(CodePointSet.SPACE, others(letters)).followedBy(CodePointSet.NEWLINE),
                Alternative.Whitespace.LINES,
                Alternative.Whitespace.BEFORE_WORD,
                Run.of(CodePointSet.WHITESPACE));
    }

    /// `X?U*L+C?|X?U+L*C?|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`, with
    /// the letters of [CasedWord]
    static Splitter casedWords(CasedWord.Ending ending, int digits) {
        return Splitter.of(
                new CasedWord(CasedWord.Shape.UPPER_THEN_SOME_LOWER, ending),
                new CasedWord(CasedWord.Shape.SOME_UPPER_THEN_LOWER, ending),
                Run.of(CodePointSet.NUMBER, 1, digits),
                Run.prefixed(CodePointSet.SPACE, OTHERS)
                        .followedBy(CodePointSet.NEWLINE.or(CodePointSet.of(CharacterKind.SLASH))),
                Alternative.Whitespace.LINES,
                Alternative.Whitespace.BEFORE_WORD,
                Run.of(CodePointSet.WHITESPACE));
    }

    /// `[lead][body]+`: one code point of `lead`, which must be there, and a run.
    private record Led(CodePointSet lead, CodePointSet body) implements Alternative {
        @Override
        public boolean canBegin(CharacterKind kind) {
            return lead.canHold(kind);
        }

        @Override
        public int match(Utf8Text text, int start, int end) {
            if (!lead.holds(text, start)) {
                return NO_MATCH;
            }
            int second = text.next(start);
            int match = Run.skip(body, text, second, end);
            return match > second ? match : NO_MATCH;
        }
    }

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

        private static final CodePointSet PREFIX = CodePointSet.NEWLINE
                .or(CodePointSet.LETTER)
                .or(CodePointSet.NUMBER)
                .negated();
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
            int contraction = Alternative.Contraction.ANY_CASE.match(text, match, end);
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
}
