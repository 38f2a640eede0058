package dev.trimtab.telemetry;

import dev.trimtab.variant.Measured;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.VariantState;
import dev.trimtab.variant.life.LifecycleListener;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;

/// Meters of variants that come and go, and the gauges of each while it is there.
final class LifecycleMeters implements LifecycleListener {
    private static final String LOADED = "loaded";
    private static final String FAILED = "failed";

    private final MeterRegistry registry;
    private final Telemetry telemetry;
    private final VariantRegistry variants;

    LifecycleMeters(MeterRegistry registry, Telemetry telemetry, VariantRegistry variants) {
        this.registry = registry;
        this.telemetry = telemetry;
        this.variants = variants;
        for (String state : VariantState.WORDS) {
            MeterName.VARIANTS.gauge(registry, variants, source -> count(source, state), state);
        }
        for (Cause cause : Cause.values()) {
            MeterName.UNLOADS.counter(registry, cause.word());
        }
    }

    @Override
    public void loaded(Variant variant, long durationNanos) {
        telemetry.watch(variant);
        watch(variant.name());
        ended(LOADED, durationNanos);
    }

    @Override
    public void failed(String name, long durationNanos) {
        telemetry.forget(name);
        ended(FAILED, durationNanos);
    }

    @Override
    public void unloaded(String name, Cause cause) {
        telemetry.forget(name);
        MeterName.UNLOADS.counter(registry, cause.word()).increment();
    }

    private void watch(String name) {
        for (String state : VariantState.WORDS) {
            MeterName.VARIANT_STATE.gauge(registry, variants, source -> isIn(source, name, state) ? 1 : 0, name, state);
        }
        for (String figure : Measured.SHOWN) {
            MeterName.VARIANT_MEASURED.gauge(registry, variants, source -> figure(source, name, figure), name, figure);
        }
    }

    private static boolean isIn(VariantRegistry variants, String name, String state) {
        return variants.find(name)
                .filter(slot -> slot.state().word().equals(state))
                .isPresent();
    }

    // NaN, which Prometheus takes for no value, of what is not measured.
    private static double figure(VariantRegistry variants, String name, String figure) {
        return variants.find(name)
                .flatMap(VariantRegistry.Slot::measured)
                .map(measured -> measured.figure(figure))
                .orElse(OptionalDouble.empty())
                .orElse(Double.NaN);
    }

    private void ended(String outcome, long durationNanos) {
        MeterName.LOADS.counter(registry, outcome).increment();
        MeterName.LOAD_TIME.timer(registry, outcome).record(durationNanos, TimeUnit.NANOSECONDS);
    }

    private static double count(VariantRegistry variants, String state) {
        return variants.slots().stream()
                .filter(slot -> slot.state().word().equals(state))
                .count();
    }
}
