package dev.trimtab.cli;

import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.StopCondition;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How text is chosen, shared by the commands that generate some.
final class SamplingOption {
    @Option(names = "--max-tokens", defaultValue = "512", description = "Most tokens to generate; default: 512.")
    private int maxTokens = 512;

    @Option(names = "--temperature", defaultValue = "0", description = "0 (greedy, the default) to 2.")
    private float temperature;

    @Option(names = "--seed", description = "The same seed gives the same text.")
    private @Nullable Long seed;

    /// A request for `prompt`, cut to what is left of `contextLength`.
    GenerationRequest request(String id, int[] prompt, int contextLength) {
        OptionalLong chosen = seed == null ? OptionalLong.empty() : OptionalLong.of(seed);
        SamplingOptions sampling = new SamplingOptions(temperature, 0, 1, 0, 1, 0, 0, Map.of(), chosen);
        int room = Math.max(1, contextLength - prompt.length);
        return new GenerationRequest(id, prompt, sampling, StopCondition.maxTokens(Math.min(maxTokens, room)));
    }
}
