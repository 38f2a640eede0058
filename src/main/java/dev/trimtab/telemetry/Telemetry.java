package dev.trimtab.telemetry;

import dev.trimtab.api.http.ApiListener;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineStatus;
import dev.trimtab.variant.MachineMemory;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.life.LifecycleListener;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;

/// All telemetry over one meter registry: hands out the listeners that the other parts publish to, and puts
/// gauges on what they hold.
public final class Telemetry {
    /// What memory outside the heap is held for.
    public enum Memory {
        WEIGHTS,
        KV_CACHE,
        SCRATCH
    }

    private final MeterRegistry registry;
    private final ApiListener api;

    public Telemetry(MeterRegistry registry) {
        this.registry = registry;
        this.api = new ApiMeters(registry);
        MeterName.RESIDENT.gauge(registry, this, _ -> residentBytes());
    }

    /// Hears the HTTP edge.
    public ApiListener api() {
        return api;
    }

    /// Hears the engine of the variant named `model`.
    public EngineListener engine(String model) {
        return new EngineMeters(registry, model);
    }

    /// Hears variants come and go, and shows what `variants` has.
    public LifecycleListener lifecycle(VariantRegistry variants) {
        return new LifecycleMeters(registry, this, variants);
    }

    /// Puts gauges on a variant's queue, batch, KV blocks and weights.
    public void watch(Variant variant) {
        String model = variant.name();
        gauge(MeterName.SEQUENCES, variant, EngineStatus::running, model, "running");
        gauge(MeterName.SEQUENCES, variant, EngineStatus::waiting, model, "waiting");
        gauge(MeterName.KV_BLOCKS, variant, EngineStatus::kvBlocksUsed, model, "used");
        gauge(MeterName.KV_BLOCKS, variant, EngineStatus::kvBlocksTotal, model, "total");
        MeterName.VARIANT_WEIGHTS.gauge(
                registry, variant, source -> source.weightBytes().own(), model, "own");
        MeterName.VARIANT_WEIGHTS.gauge(
                registry, variant, source -> source.weightBytes().shared(), model, "shared");
        gauge(MeterName.VLLM_RUNNING, variant, EngineStatus::running, model);
        gauge(MeterName.VLLM_WAITING, variant, EngineStatus::waiting, model);
        gauge(MeterName.VLLM_KV_USAGE, variant, Telemetry::kvUsage, model);
    }

    /// Puts a gauge on memory outside the heap.
    public void watch(Memory kind, LongSupplier bytes) {
        MeterName.OFF_HEAP.gauge(
                registry, bytes, LongSupplier::getAsLong, kind.name().toLowerCase(Locale.ROOT));
    }

    /// Drops every meter of the variant named `model`, which is served no more.
    public void forget(String model) {
        registry.getMeters().stream()
                .filter(meter -> model.equals(meter.getId().getTag("model"))
                        || model.equals(meter.getId().getTag("model_name"))
                        || model.equals(meter.getId().getTag("gen_ai.request.model")))
                .forEach(registry::remove);
    }

    private void gauge(MeterName name, Variant variant, ToDoubleFunction<EngineStatus> value, String... tagValues) {
        name.gauge(registry, variant, source -> value.applyAsDouble(source.status()), tagValues);
    }

    // NaN, which Prometheus takes for no value, where the system does not say.
    private static double residentBytes() {
        OptionalLong bytes = MachineMemory.residentBytes();
        return bytes.isPresent() ? bytes.getAsLong() : Double.NaN;
    }

    private static double kvUsage(EngineStatus status) {
        return status.kvBlocksTotal() == 0 ? 0 : (double) status.kvBlocksUsed() / status.kvBlocksTotal();
    }
}
