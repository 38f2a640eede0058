package dev.trimtab.tokenizer;

/// The patterns that pre-tokenizers share. Each comment is the pattern in the usual notation.
final class Patterns {
    private static final CodePointSet OTHERS = CodePointSet.WHITESPACE
            .or(CodePointSet.LETTER)
            .or(CodePointSet.NUMBER)
            .negated();

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
    /// `|?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, where the first `?` follows a space
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

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|`
    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    static Splitter words(int digits) {
        return Splitter.of(
                Alternative.Contraction.ANY_CASE,
                Run.prefixed(
                        CodePointSet.NEWLINE
                                .or(CodePointSet.LETTER)
                                .or(CodePointSet.NUMBER)
                                .negated(),
                        CodePointSet.LETTER),
                Run.of(CodePointSet.NUMBER, 1, digits),
                Run.prefixed(CodePointSet.SPACE, OTHERS).followedBy(CodePointSet.NEWLINE),
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
}
