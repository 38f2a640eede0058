package dev.trimtab.tokenizer.huggingface;

import dev.trimtab.error.Unsupported;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Cuts a piece where a pattern matches.
///
/// @param wants which parts count as what the behaviour speaks of: the matches, or the gaps between
record Split(Pattern pattern, Behavior behavior, Wants wants) implements PieceCutter {
    /// What becomes of matches; the names are those of `tokenizer.json`.
    enum Behavior {
        REMOVED("Removed"),
        ISOLATED("Isolated"),
        MERGED_WITH_PREVIOUS("MergedWithPrevious"),
        MERGED_WITH_NEXT("MergedWithNext"),
        CONTIGUOUS("Contiguous");

        private final String key;

        Behavior(String key) {
            this.key = key;
        }

        static Behavior of(Json json, String fallback) {
            String key = json.text("behavior", fallback);
            for (Behavior behavior : values()) {
                if (behavior.key.equals(key)) {
                    return behavior;
                }
            }
            throw new Unsupported(json.where() + ": behavior " + key + " is not supported");
        }
    }

    /// Which parts a behaviour speaks of.
    enum Wants {
        MATCHES,
        GAPS
    }

    private record Span(int start, int end, boolean isMatch) {
        Span upTo(int newEnd) {
            return new Span(start, newEnd, isMatch);
        }
    }

    static Split isolated(Pattern pattern) {
        return new Split(pattern, Behavior.ISOLATED, Wants.MATCHES);
    }

    @Override
    public void cut(Piece piece, Consumer<Piece> next) {
        boolean inverted = wants == Wants.GAPS;
        if (behavior == Behavior.ISOLATED || behavior == Behavior.REMOVED) {
            pattern.cut(piece.text(), (start, end, isMatch) -> {
                if (start < end && (behavior == Behavior.ISOLATED || isMatch == inverted)) {
                    next.accept(piece.part(start, end));
                }
            });
            return;
        }
        List<Span> spans = new ArrayList<>();
        pattern.cut(piece.text(), (start, end, isMatch) -> spans.add(new Span(start, end, isMatch != inverted)));
        for (Span span : merged(spans)) {
            if (span.start < span.end) {
                next.accept(piece.part(span.start, span.end));
            }
        }
    }

    private List<Span> merged(List<Span> spans) {
        return switch (behavior) {
            case REMOVED, ISOLATED -> spans;
            case CONTIGUOUS -> contiguous(spans);
            case MERGED_WITH_PREVIOUS -> withPrevious(spans);
            case MERGED_WITH_NEXT -> withNext(spans);
        };
    }

    private static List<Span> contiguous(List<Span> spans) {
        List<Span> merged = new ArrayList<>();
        for (Span span : spans) {
            if (!merged.isEmpty() && merged.getLast().isMatch == span.isMatch) {
                merged.set(merged.size() - 1, merged.getLast().upTo(span.end));
            } else {
                merged.add(span);
            }
        }
        return merged;
    }

    /// Of matches in a row, the first joins the gap before it.
    private static List<Span> withPrevious(List<Span> spans) {
        List<Span> merged = new ArrayList<>();
        boolean afterMatch = false;
        for (Span span : spans) {
            if (span.isMatch && !afterMatch && !merged.isEmpty()) {
                merged.set(merged.size() - 1, merged.getLast().upTo(span.end));
            } else {
                merged.add(span);
            }
            afterMatch = span.isMatch;
        }
        return merged;
    }

    /// Of matches in a row, the last joins the gap after it.
    private static List<Span> withNext(List<Span> spans) {
        List<Span> merged = new ArrayList<>();
        boolean afterMatch = false;
        for (Span span : spans) {
            if (!span.isMatch && afterMatch) {
                merged.set(merged.size() - 1, merged.getLast().upTo(span.end));
            } else {
                merged.add(span);
            }
            afterMatch = span.isMatch;
        }
        return merged;
    }
}
