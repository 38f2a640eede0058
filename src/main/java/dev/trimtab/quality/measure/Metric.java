package dev.trimtab.quality.measure;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/// The numbers of a [Measurement] that a recipe may set a bound to.
public enum Metric {
    KLD_MEAN(found -> found.distance().mean().value()),
    KLD_P99(found -> found.distance().p99()),
    PPL_RATIO(found -> found.perplexity().ratio()),
    SAME_TOP(found -> found.sameTop().value()),
    FLIPS(found -> found.shift().flips()),
    DP_RMS(found -> found.shift().deltaRms()),
    GEN_MATCH(found -> found.shift().genMatch()),
    DECODE_TPS(found -> found.cost().decodeTps()),
    PREFILL_TPS(found -> found.cost().prefillTps()),
    BYTES(found -> found.cost().bytes());

    @SuppressWarnings("ImmutableEnumChecker") // a method
    private final ToDoubleFunction<Measurement> number;

    Metric(ToDoubleFunction<Measurement> number) {
        this.number = number;
    }

    public double of(Measurement measurement) {
        return number.applyAsDouble(measurement);
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
