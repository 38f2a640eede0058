package dev.trimtab.variant;

import java.util.Collections;
import java.util.LinkedHashMap;
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
    public Measured {
        figures = Collections.unmodifiableMap(new LinkedHashMap<>(figures));
    }

    /// The state of what was found this way.
    VariantState state() {
        return missedGate.<VariantState>map(VariantState.Quarantined::new).orElse(new VariantState.Ready());
    }
}
