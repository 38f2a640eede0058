package dev.trimtab.api.admin;

import dev.trimtab.engine.EngineStatus;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantRegistry.Slot;
import dev.trimtab.variant.VariantState;
import dev.trimtab.variant.life.MemoryBudget;
import dev.trimtab.variant.life.Prediction;
import dev.trimtab.variant.life.VariantReport;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/// Variants as administration shows them. Times are ISO 8601, sizes bytes; what is not known is null.
final class VariantJson {
    private VariantJson() {}

    static Map<String, @Nullable Object> of(VariantReport report) {
        Slot slot = report.slot();
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("name", slot.name());
        json.put("model", slot.model());
        json.put("state", slot.state().word());
        json.put("reason", slot.state().reason().orElse(null));
        json.put("progress", slot.state() instanceof VariantState.Loading(var progress) ? progress.share() : null);
        json.put("pinned", report.isPinned());
        json.put("default", report.isDefault());
        json.put("memory_bytes", report.takenBytes());
        long used = slot.lastUsedMillis().get();
        json.put("last_used", used == 0 ? null : Instant.ofEpochMilli(used).toString());
        slot.variant().ifPresent(variant -> put(json, variant));
        json.put("measurement", slot.measured().map(VariantJson::of).orElse(null));
        return json;
    }

    private static void put(Map<String, @Nullable Object> json, Variant variant) {
        EngineStatus status = variant.status();
        json.put("created", Instant.ofEpochSecond(variant.createdEpochSeconds()).toString());
        json.put(
                "weight_bytes",
                pair(
                        "own",
                        variant.weightBytes().own(),
                        "shared",
                        variant.weightBytes().shared()));
        json.put("sequences", pair("running", status.running(), "waiting", status.waiting()));
        json.put("plan", variant.description());
    }

    private static Map<String, @Nullable Object> of(Measured measured) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("quality", orNull(measured.quality()));
        json.put("decode_tokens_per_second", orNull(measured.decodeTokensPerSecond()));
        json.put("missed_gate", measured.missedGate().orElse(null));
        json.put("figures", measured.figures());
        return json;
    }

    static Map<String, @Nullable Object> of(Prediction prediction) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("name", prediction.demand().name());
        json.put("fits", prediction.room().refusal().isEmpty());
        json.put("reason", prediction.room().refusal().orElse(null));
        json.put("evicts", prediction.room().evicted());
        json.put("weight_bytes", prediction.demand().weightBytes());
        json.put("scratch_bytes", prediction.demand().scratchBytes());
        json.put("kv_bytes_full_sequence", prediction.demand().kvFloorBytes());
        json.put("decode_tokens_per_second", of(prediction.decodeTokensPerSecond()));
        json.put("quality", of(prediction.quality()));
        return json;
    }

    private static Map<String, @Nullable Object> of(Prediction.Estimate estimate) {
        return pair("value", orNull(estimate.value()), "basis", estimate.basis());
    }

    static Map<String, @Nullable Object> of(MemoryBudget budget) {
        return pair("taken_bytes", budget.takenBytes(), "total_bytes", budget.totalBytes());
    }

    private static Map<String, @Nullable Object> pair(
            String first, @Nullable Object firstValue, String second, @Nullable Object secondValue) {
        Map<String, @Nullable Object> pair = new LinkedHashMap<>();
        pair.put(first, firstValue);
        pair.put(second, secondValue);
        return pair;
    }

    private static @Nullable Double orNull(OptionalDouble value) {
        return value.isPresent() ? value.getAsDouble() : null;
    }
}
