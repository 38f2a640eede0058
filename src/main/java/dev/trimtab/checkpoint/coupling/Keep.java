package dev.trimtab.checkpoint.coupling;

import java.util.List;

/// How much of something countable stays.
public sealed interface Keep {
    /// All of it.
    record All() implements Keep {}

    /// The ones listed, ascending, at least one.
    ///
    /// @param kept one list; of a layer's experts also one for each, all as long
    record Some(List<int[]> kept) implements Keep {
        public Some {
            kept = List.copyOf(kept);
        }
    }

    /// Nothing: the block that it is in goes.
    record None() implements Keep {}

    static Keep all() {
        return new All();
    }

    static Keep none() {
        return new None();
    }

    static Keep some(int... kept) {
        return new Some(List.of(kept));
    }

    /// How many of `count` stay.
    default int of(int count) {
        return switch (this) {
            case All() -> count;
            case Some(List<int[]> kept) -> kept.getFirst().length;
            case None() -> 0;
        };
    }
}
