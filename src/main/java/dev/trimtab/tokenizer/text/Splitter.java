package dev.trimtab.tokenizer.text;

import java.util.ArrayList;
import java.util.List;

/// One pattern of a pre-tokenizer: ordered alternatives that cut a text into matches and the gaps
/// between them, in one pass from left to right.
final class Splitter {
    private static final CharacterKind[] KINDS = CharacterKind.values();

    private final Alternative[][] byKind = new Alternative[KINDS.length][];

    private Splitter(List<Alternative> alternatives) {
        for (CharacterKind kind : KINDS) {
            List<Alternative> able = new ArrayList<>();
            for (Alternative alternative : alternatives) {
                if (alternative.canBegin(kind)) {
                    able.add(alternative);
                }
            }
            byKind[kind.number()] = able.toArray(Alternative[]::new);
        }
    }

    /// The pattern whose alternatives are tried in this order.
    static Splitter of(Alternative... alternatives) {
        return new Splitter(List.of(alternatives));
    }

    /// Where the first alternative that matches at `start` ends, or [Alternative#NO_MATCH].
    int match(Utf8Text text, int start, int end) {
        for (Alternative alternative : byKind[text.kind(start)]) {
            int match = alternative.match(text, start, end);
            if (match != Alternative.NO_MATCH) {
                return match;
            }
        }
        return Alternative.NO_MATCH;
    }
}
