package dev.trimtab.tokenizer.text;

/// `[prefix]?[body]{min,max}[suffix]*`, greedy. Where the prefix is taken and too little of the body
/// follows, the match is tried without the prefix, as a backtracking engine would.
record Run(CodePointSet prefix, CodePointSet body, int min, int max, CodePointSet suffix) implements Alternative {
    private static final int UNBOUNDED = Integer.MAX_VALUE;

    /// `[set]+`
    static Run of(CodePointSet set) {
        return prefixed(CodePointSet.NONE, set);
    }

    /// `[set]{min,max}`
    static Run of(CodePointSet set, int min, int max) {
        return new Run(CodePointSet.NONE, set, min, max, CodePointSet.NONE);
    }

    /// `[prefix]?[set]+`
    static Run prefixed(CodePointSet prefix, CodePointSet set) {
        return new Run(prefix, set, 1, UNBOUNDED, CodePointSet.NONE);
    }

    /// This run with `[suffix]*` after it.
    Run followedBy(CodePointSet newSuffix) {
        return new Run(prefix, body, min, max, newSuffix);
    }

    @Override
    public boolean canBegin(CharacterKind kind) {
        return prefix.canHold(kind) || body.canHold(kind);
    }

    @Override
    public int match(Utf8Text text, int start, int end) {
        int match = NO_MATCH;
        if (prefix.holds(text, start)) {
            match = matchBody(text, text.next(start), end);
        }
        return match == NO_MATCH ? matchBody(text, start, end) : match;
    }

    private int matchBody(Utf8Text text, int start, int end) {
        int count = 0;
        int position = start;
        while (position < end && count < max && body.holds(text, position)) {
            position = text.next(position);
            count++;
        }
        return count < min ? NO_MATCH : skip(suffix, text, position, end);
    }

    /// The end of `[set]*` from `start`.
    static int skip(CodePointSet set, Utf8Text text, int start, int end) {
        int position = start;
        while (position < end && set.holds(text, position)) {
            position = text.next(position);
        }
        return position;
    }
}
