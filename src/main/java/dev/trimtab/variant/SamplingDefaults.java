package dev.trimtab.variant;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.engine.SamplingOptions.Field;
import java.lang.System.Logger.Level;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/// The sampling that a model's makers advise: what a request means that leaves these fields out, as in vLLM
/// (its `--generation-config auto`) and llama.cpp. It comes from GGUF's keys `general.sampling.*`, as which
/// a `generation_config.json` is read too.
///
/// A number that no request could ask for is left out with a WARNING: advice does not make weights
/// unusable. One that is no number is [dev.trimtab.error.BadCheckpoint], as everywhere. GGUF's other keys of
/// the kind (`xtc_probability`, `mirostat`, `penalty_last_n` ...) name things that requests here cannot ask for.
///
/// Source: ggml-org/llama.cpp, `gguf-py/gguf/constants.py`, `Keys.General.SAMPLING_*`.
public record SamplingDefaults(Map<Field, Float> advised) {
    /// No advice.
    public static final SamplingDefaults NONE = new SamplingDefaults(Map.of());

    private static final System.Logger LOG = System.getLogger(SamplingDefaults.class.getName());

    private static final Map<Field, String> KEYS = Map.of(
            Field.TEMPERATURE, "general.sampling.temp",
            Field.TOP_K, "general.sampling.top_k",
            Field.TOP_P, "general.sampling.top_p",
            Field.MIN_P, "general.sampling.min_p",
            Field.REPETITION_PENALTY, "general.sampling.penalty_repeat");

    public SamplingDefaults {
        advised.forEach(Field::check);
        advised = Map.copyOf(advised);
    }

    /// What the checkpoint with `metadata` advises.
    static SamplingDefaults of(Metadata metadata) {
        Map<Field, Float> advised = new EnumMap<>(Field.class);
        KEYS.forEach((field, key) -> {
            if (metadata.contains(key)) {
                float value = (float) metadata.number(key);
                if (field == Field.TOP_K) {
                    value = Math.max(0, value); // below 0 as 0: all tokens
                }
                if (field.allows(value)) {
                    advised.put(field, value);
                } else {
                    LOG.log(
                            Level.WARNING,
                            metadata.source() + ": metadata " + key + ": " + field.expected() + " expected, found "
                                    + value + "; ignored");
                }
            }
        });
        return new SamplingDefaults(advised);
    }

    /// What a request that leaves `field` out gets; `otherwise` where there is no advice.
    public float or(Field field, float otherwise) {
        return advised.getOrDefault(field, otherwise);
    }

    /// By the names that requests use, for people.
    Map<String, Object> named() {
        Map<String, Object> named = new LinkedHashMap<>();
        for (Field field : Field.values()) {
            if (advised.containsKey(field)) {
                named.put(field.param(), advised.get(field));
            }
        }
        return named;
    }
}
