package dev.trimtab.app;

import dev.trimtab.engine.EngineOptions;
import dev.trimtab.variant.Variant;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// What `trimtab serve` prints once it serves: where, what, with which kernels and memory, and a line to try.
///
/// @param address such as `http://127.0.0.1:8080`
record Greeting(Serving serving, ServingOptions options, String address) {
    @Override
    public String toString() {
        EngineOptions engine = options.variants().engine();
        String models =
                serving.registry().list().stream().map(Greeting::model).collect(Collectors.joining("\n           "));
        String first = serving.registry().list().getFirst().name();
        return """
                Trimtab serves on %s
                  models   %s
                  kernels  %s, %d threads
                  memory   %s
                  limits   %d sequences and %d tokens a step, %d waiting

                  try      curl -s %s/v1/chat/completions -H 'content-type: application/json' \\
                             -d '{"model":"%s","messages":[{"role":"user","content":"What is the capital of Norway?"}]}'
                """.formatted(
                        address,
                        models,
                        serving.kernels().name(),
                        serving.threads(),
                        serving.memoryPlan(),
                        engine.maxSequences(),
                        engine.maxBatchedTokens(),
                        engine.maxWaiting(),
                        address,
                        first);
    }

    private static String model(Variant variant) {
        Map<String, Object> facts = variant.description();
        long parameters = ((Number) facts.getOrDefault("parameters", 0)).longValue();
        return String.format(
                Locale.ROOT,
                "%s (%s, %.1f M parameters, %s%s, context %d%s)",
                variant.name(),
                facts.get("architecture"),
                parameters / 1e6,
                facts.get("encoding"),
                facts.containsKey("recipe") ? " as " + facts.get("recipe") : "",
                variant.contextLength(),
                facts.containsKey("backend") ? ", by " + facts.get("backend") : "");
    }
}
