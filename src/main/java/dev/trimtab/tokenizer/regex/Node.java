package dev.trimtab.tokenizer.regex;

import java.util.List;

/// A regular expression as a tree.
sealed interface Node {
    int UNBOUNDED = Integer.MAX_VALUE;

    /// One code point of `set`.
    record One(CodePoints set) implements Node {}

    /// `parts` one after the other; nothing where there are none.
    record Sequence(List<Node> parts) implements Node {}

    /// The first of `choices` that leads to a match.
    record Choice(List<Node> choices) implements Node {}

    /// `body` from `min` to `max` times, as often as possible or as rarely.
    record Repeat(Node body, int min, int max, Greed greed) implements Node {}

    /// A place before which, or after which, `body` stands or must not stand. Behind: one code point.
    record Look(Node body, Side side, Sign sign) implements Node {}

    /// A place.
    record Anchor(Place place) implements Node {}

    /// Which match a repetition prefers.
    enum Greed {
        LONGEST,
        SHORTEST
    }

    /// Where a [Look] looks.
    enum Side {
        AHEAD,
        BEHIND
    }

    /// What a [Look] wants.
    enum Sign {
        PRESENT,
        ABSENT
    }

    /// The places between code points that patterns name.
    enum Place {
        LINE_START,
        LINE_END,
        TEXT_START,
        TEXT_END,
        WORD_BOUNDARY,
        NO_WORD_BOUNDARY
    }
}
