package dev.trimtab.tokenizer.text;

/// One alternative of a pre-tokenizer's pattern, written by hand so that its cost is linear: where a
/// backtracking engine would retry, it knows the answer.
interface Alternative {
    int NO_MATCH = -1;

    /// Whether a match may begin with a code point of `kind`. Lets a [Splitter] ask only those
    /// alternatives that can match.
    boolean canBegin(CharacterKind kind);

    /// Where the match that begins at byte `start` of `text` ends, looking no further than `end`, or
    /// [#NO_MATCH]. Matches are never empty.
    int match(Utf8Text text, int start, int end);

    /// English contractions: `'s|'t|'re|'ve|'m|'ll|'d`.
    enum Contraction implements Alternative {
        /// In lower case only.
        LOWER_CASE {
            @Override
            int letter(Utf8Text text, int position, int end) {
                return position < end ? text.unsignedByte(position) : 0;
            }
        },
        /// In any case, `(?i:...)`: with Unicode's folding, by which `ſ` (U+017F) is an `s`.
        ANY_CASE {
            @Override
            int letter(Utf8Text text, int position, int end) {
                if (position >= end) {
                    return 0;
                }
                int codePoint = text.codePoint(position);
                return codePoint == 0x17F ? 's' : codePoint < 0x80 ? codePoint | 0x20 : 0;
            }
        };

        /// The lower-case letter at `position` if it counts, or something that no contraction has.
        abstract int letter(Utf8Text text, int position, int end);

        @Override
        public boolean canBegin(CharacterKind kind) {
            return kind == CharacterKind.APOSTROPHE;
        }

        @Override
        public int match(Utf8Text text, int start, int end) {
            if (text.unsignedByte(start) != '\'') {
                return NO_MATCH;
            }
            int second = letter(text, start + 1, end);
            return switch (second) {
                case 's', 't', 'm', 'd' -> text.next(start + 1);
                case 'r', 'v' -> letter(text, start + 2, end) == 'e' ? start + 3 : NO_MATCH;
                case 'l' -> letter(text, start + 2, end) == 'l' ? start + 3 : NO_MATCH;
                default -> NO_MATCH;
            };
        }
    }

    /// The alternatives over white space that end elsewhere than at the end of the run.
    enum Whitespace implements Alternative {
        /// `\s*[\r\n]+`: up to and with the last newline of the run.
        LINES {
            @Override
            public int match(Utf8Text text, int start, int end) {
                int position = start;
                int match = NO_MATCH;
                while (position < end && CodePointSet.WHITESPACE.holds(text, position)) {
                    boolean newline = CodePointSet.NEWLINE.holds(text, position);
                    position = text.next(position);
                    match = newline ? position : match;
                }
                return match;
            }
        },
        /// `\s+(?!\S)`: the run without its last character, which the following word may take, or all of
        /// it at the end.
        BEFORE_WORD {
            @Override
            public int match(Utf8Text text, int start, int end) {
                int last = start;
                int position = start;
                while (position < end && CodePointSet.WHITESPACE.holds(text, position)) {
                    last = position;
                    position = text.next(position);
                }
                int match = position == end ? end : last;
                return match > start ? match : NO_MATCH;
            }
        };

        @Override
        public boolean canBegin(CharacterKind kind) {
            return CodePointSet.WHITESPACE.canHold(kind);
        }
    }
}
