package dev.trimtab.quality.measure;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The numbers among [Measurement#facts] that a recipe may set a bound to.
public enum Metric {
    KLD_MEAN,
    KLD_P99,
    PPL_RATIO,
    SAME_TOP,
    FLIPS,
    DP_RMS,
    GEN_MATCH,
    DECODE_TPS,
    PREFILL_TPS,
    BYTES;

    /// Of `facts`; empty where it is not among them.
    public OptionalDouble of(Map<String, ? extends Number> facts) {
        Number found = facts.get(word());
        return found == null ? OptionalDouble.empty() : OptionalDouble.of(found.doubleValue());
    }

    /// As recipes spell it: `kld_mean`.
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<Metric> of(String word) {
        return Arrays.stream(values())
                .filter(metric -> metric.word().equals(word))
                .findFirst();
    }
}
