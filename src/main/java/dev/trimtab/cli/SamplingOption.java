package dev.trimtab.cli;

import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.SamplingOptions.Field;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.variant.SamplingDefaults;
import dev.trimtab.variant.Variant;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How text is chosen, shared by the commands that generate some.
final class SamplingOption {
    @Option(names = "--max-tokens", defaultValue = "512", description = "Most tokens to generate; default: 512.")
    private int maxTokens = 512;

    @Option(names = "--temperature", description = "0 (greedy) to 2; default: what the model advises, else 0.")
    private @Nullable Float temperature;

    @Option(names = "--seed", description = "The same seed gives the same text.")
    private @Nullable Long seed;

    /// A request for `prompt`, cut to what is left of the context of `variant`, whose makers' advice holds
    /// for what no option says.
    GenerationRequest request(String id, int[] prompt, Variant variant) {
        SamplingDefaults defaults = variant.samplingDefaults();
        OptionalLong chosen = seed == null ? OptionalLong.empty() : OptionalLong.of(seed);
        SamplingOptions sampling = new SamplingOptions(
                temperature == null ? defaults.or(Field.TEMPERATURE, 0) : temperature,
                (int) defaults.or(Field.TOP_K, 0),
                defaults.or(Field.TOP_P, 1),
                defaults.or(Field.MIN_P, 0),
                defaults.or(Field.REPETITION_PENALTY, 1),
                0,
                0,
                Map.of(),
                chosen);
        int room = Math.max(1, variant.contextLength() - prompt.length);
        return new GenerationRequest(id, prompt, sampling, StopCondition.maxTokens(Math.min(maxTokens, room)));
    }
}
