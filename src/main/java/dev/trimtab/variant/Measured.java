package dev.trimtab.variant;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What measuring a variant found.
///
/// @param quality same-top against the checkpoint's base, in 0..1; empty where there is no base to compare with
/// @param decodeTokensPerSecond of one sequence
/// @param missedGate the first gate it missed, with what was expected and found; empty when it passed all
/// @param figures everything that was measured, for people, in the order to show it
public record Measured(
        OptionalDouble quality,
        OptionalDouble decodeTokensPerSecond,
        Optional<String> missedGate,
        Map<String, Object> figures) {
    /// Among the figures: the gate that was missed by a variant that is served even so.
    public static final String WARNING = "warning";

    /// The figures that lists of models and metrics show.
    public static final List<String> SHOWN =
            List.of("same_top", "kld_mean", "ppl_ratio", "gen_match", "decode_tps", "prefill_tps");

    public Measured {
        figures = Collections.unmodifiableMap(new LinkedHashMap<>(figures));
    }

    /// The state of what was found this way.
    public VariantState state() {
        return missedGate.<VariantState>map(VariantState.Quarantined::new).orElse(new VariantState.Ready());
    }

    /// The gate it missed, where that is no reason not to serve it.
    public Optional<String> warning() {
        return Optional.ofNullable(figures.get(WARNING)).map(Object::toString);
    }

    /// The figure `name`; empty where it was not measured.
    public OptionalDouble figure(String name) {
        return figures.get(name) instanceof Number number
                ? OptionalDouble.of(number.doubleValue())
                : OptionalDouble.empty();
    }
}
