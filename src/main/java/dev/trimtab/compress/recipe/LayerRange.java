package dev.trimtab.compress.recipe;

import dev.trimtab.error.BadConfiguration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Layers `[first, end)`, as recipes write them: `0-8` (half-open, as in mistral.rs), `12` (one layer), `20-`
/// (to the last). Negative numbers count from the end: `-2-` is the last two.
///
/// @param end exclusive; [#OPEN] for no end
public record LayerRange(int first, int end) {
    private static final int OPEN = Integer.MAX_VALUE;

    private static final Pattern RANGE = Pattern.compile("(-?\\d{1,5})(?:(-)(-?\\d{1,5})?)?");

    /// @throws BadConfiguration where `text` is no range, or one that can hold no layer
    static LayerRange parse(String text) {
        Matcher matcher = RANGE.matcher(text);
        if (!matcher.matches()) {
            throw new BadConfiguration(
                    "layers as `0-8` (half-open), `12`, `20-` or `-2-` (the last two) expected, found `" + text + "`");
        }
        int first = Integer.parseInt(matcher.group(1));
        if (matcher.group(2) == null) {
            return new LayerRange(first, first == -1 ? OPEN : first + 1);
        }
        int end = matcher.group(3) == null ? OPEN : Integer.parseInt(matcher.group(3));
        if (Integer.signum(first | 1) == Integer.signum(end | 1) && end <= first) {
            throw new BadConfiguration("layers " + text + " are none: the end is exclusive");
        }
        return new LayerRange(first, end);
    }

    /// Whether `layer` of a model with `count` is one of them.
    boolean contains(int layer, int count) {
        return layer >= fromStart(first, count) && (end == OPEN || layer < fromStart(end, count));
    }

    private static int fromStart(int layer, int count) {
        return layer < 0 ? count + layer : layer;
    }
}
