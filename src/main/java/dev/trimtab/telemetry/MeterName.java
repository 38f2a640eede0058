package dev.trimtab.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/// Every meter there is, in three families: OpenTelemetry's GenAI names, vLLM's names (so that dashboards and
/// autoscalers made for it work), and ours. Dashboards are checked against this list.
///
/// Tags are bounded: model names are those of served variants, endpoints those of the table.
public enum MeterName {
    // OpenTelemetry, semantic conventions for GenAI servers
    REQUEST_DURATION(
            "gen_ai.server.request.duration",
            Kind.TIMER,
            "",
            "From a request's head to the end of its answer",
            List.of("gen_ai.operation.name", "gen_ai.request.model", "error.type"),
            Buckets.DURATION),
    TIME_TO_FIRST_TOKEN(
            "gen_ai.server.time_to_first_token",
            Kind.TIMER,
            "",
            "From a sequence's submission to its first output token",
            List.of("gen_ai.request.model"),
            Buckets.FIRST_TOKEN),
    TIME_PER_OUTPUT_TOKEN(
            "gen_ai.server.time_per_output_token",
            Kind.TIMER,
            "",
            "Mean time of a sequence's output tokens after the first",
            List.of("gen_ai.request.model"),
            Buckets.PER_TOKEN),
    TOKEN_USAGE(
            "gen_ai.client.token.usage",
            Kind.SUMMARY,
            "",
            "Tokens of a request",
            List.of("gen_ai.operation.name", "gen_ai.request.model", "gen_ai.token.type"),
            Buckets.TOKENS),

    // vLLM
    VLLM_RUNNING("vllm:num_requests_running", Kind.GAUGE, "", "Sequences in the batch", List.of("model_name")),
    VLLM_WAITING("vllm:num_requests_waiting", Kind.GAUGE, "", "Sequences that wait to run", List.of("model_name")),
    VLLM_KV_USAGE(
            "vllm:kv_cache_usage_perc", Kind.GAUGE, "", "Share of KV blocks in use, 1 is all", List.of("model_name")),
    VLLM_PROMPT_TOKENS("vllm:prompt_tokens", Kind.COUNTER, "", "Prompt tokens processed", List.of("model_name")),
    VLLM_GENERATION_TOKENS("vllm:generation_tokens", Kind.COUNTER, "", "Tokens generated", List.of("model_name")),
    VLLM_SUCCESS(
            "vllm:request_success",
            Kind.COUNTER,
            "",
            "Sequences that ended well",
            List.of("model_name", "finished_reason")),
    VLLM_TIME_TO_FIRST_TOKEN(
            "vllm:time_to_first_token",
            Kind.TIMER,
            "",
            "From submission to the first output token",
            List.of("model_name"),
            Buckets.VLLM_FIRST_TOKEN),
    VLLM_TIME_PER_OUTPUT_TOKEN(
            "vllm:request_time_per_output_token",
            Kind.TIMER,
            "",
            "Mean time of a sequence's later output tokens",
            List.of("model_name"),
            Buckets.PER_TOKEN),
    VLLM_LATENCY(
            "vllm:e2e_request_latency",
            Kind.TIMER,
            "",
            "From a sequence's submission to its end",
            List.of("model_name"),
            Buckets.DURATION),
    VLLM_QUEUE_TIME(
            "vllm:request_queue_time", Kind.TIMER, "", "Time in the queue", List.of("model_name"), Buckets.FIRST_TOKEN),

    // ours
    REQUESTS(
            "trimtab.requests",
            Kind.COUNTER,
            "",
            "Requests answered; 499: the client left",
            List.of("endpoint", "code", "model")),
    REQUESTS_IN_FLIGHT("trimtab.requests.in.flight", Kind.GAUGE, "", "Requests being answered", List.of()),
    SHED("trimtab.requests.shed", Kind.COUNTER, "", "Requests turned away", List.of("reason")),
    QUEUE_TIME("trimtab.queue.time", Kind.TIMER, "", "Time in the queue", List.of("model"), Buckets.FIRST_TOKEN),
    SEQUENCES("trimtab.sequences", Kind.GAUGE, "", "Sequences in an engine", List.of("model", "state")),
    SEQUENCES_ENDED("trimtab.sequences.ended", Kind.COUNTER, "", "Sequences that ended", List.of("model", "reason")),
    KV_BLOCKS("trimtab.kv.blocks", Kind.GAUGE, "", "KV blocks", List.of("model", "state")),
    STEP_TIME("trimtab.step.time", Kind.TIMER, "", "Time of one engine step", List.of("model"), Buckets.STEP),
    STEP_OVERHEAD(
            "trimtab.step.overhead",
            Kind.TIMER,
            "",
            "Time of a step outside the model",
            List.of("model"),
            Buckets.STEP),
    STEP_TOKENS("trimtab.step.tokens", Kind.COUNTER, "", "Tokens computed", List.of("model", "phase")),
    OFF_HEAP("trimtab.memory.off.heap", Kind.GAUGE, "bytes", "Memory outside the heap that we hold", List.of("kind")),
    VARIANTS("trimtab.variants", Kind.GAUGE, "", "Variants by where they are in their life", List.of("state")),
    VARIANT_WEIGHTS(
            "trimtab.variant.weights",
            Kind.GAUGE,
            "bytes",
            "Packed weights of a variant; own: no other variant holds them",
            List.of("model", "kind")),
    VARIANT_STATE(
            "trimtab.variant.state",
            Kind.GAUGE,
            "",
            "1 for the state that a variant is in, 0 for the others",
            List.of("model", "state")),
    VARIANT_MEASURED(
            "trimtab.variant.measured",
            Kind.GAUGE,
            "",
            "What was found by comparing a variant with its checkpoint; NaN before",
            List.of("model", "figure")),
    LOADS("trimtab.variant.loads", Kind.COUNTER, "", "Variants that were loaded, or not", List.of("outcome")),
    UNLOADS("trimtab.variant.unloads", Kind.COUNTER, "", "Variants that were let go", List.of("cause")),
    LOAD_TIME("trimtab.variant.load.time", Kind.TIMER, "", "Time of one load", List.of("outcome"), Buckets.LOAD),
    RESIDENT("trimtab.memory.resident", Kind.GAUGE, "bytes", "Resident set of the process", List.of());

    /// What is measured how.
    enum Kind {
        COUNTER,
        GAUGE,
        TIMER,
        SUMMARY
    }

    /// Upper bounds of histogram buckets; seconds for timers. Those of OpenTelemetry and vLLM are theirs.
    private static final class Buckets {
        static final double[] DURATION = {
            .01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92
        };
        static final double[] FIRST_TOKEN = {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10};
        static final double[] VLLM_FIRST_TOKEN = {
            .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560
        };

        // OpenTelemetry begins at 10 ms, which a small model on a CPU beats: three finer ones are put before.
        static final double[] PER_TOKEN = {.001, .0025, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5
        };
        static final double[] TOKENS = DoubleStream.iterate(1, bound -> bound <= 1 << 26, bound -> bound * 4)
                .toArray();
        static final double[] LOAD = {.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600};
        static final double[] STEP = {.00001, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1};
    }

    private final String id;
    private final Kind kind;
    private final String unit;
    private final String description;

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<String> tags;

    @SuppressWarnings("ImmutableEnumChecker") // never handed out
    private final double[] buckets;

    MeterName(String id, Kind kind, String unit, String description, List<String> tags, double... buckets) {
        this.id = id;
        this.kind = kind;
        this.unit = unit;
        this.description = description;
        this.tags = tags;
        this.buckets = buckets;
    }

    /// Micrometer's name.
    public String id() {
        return id;
    }

    public String description() {
        return description;
    }

    public List<String> tags() {
        return tags;
    }

    /// The name of its series on the metrics page, less the suffixes `_bucket`, `_count`, `_sum` and `_max`.
    public String prometheusName() {
        String name = id.replace('.', '_');
        return switch (kind) {
            case COUNTER -> name + "_total";
            case TIMER -> name + "_seconds";
            case GAUGE, SUMMARY -> unit.isEmpty() ? name : name + "_" + unit;
        };
    }

    /// The counter with these tag values, in the order of [#tags()].
    Counter counter(MeterRegistry registry, String... tagValues) {
        require(Kind.COUNTER);
        return Counter.builder(id)
                .description(description)
                .tags(tags(tagValues))
                .register(registry);
    }

    <T> Gauge gauge(MeterRegistry registry, T source, ToDoubleFunction<T> value, String... tagValues) {
        require(Kind.GAUGE);
        return Gauge.builder(id, source, value)
                .description(description)
                .baseUnit(unit.isEmpty() ? null : unit)
                .tags(tags(tagValues))
                .strongReference(true)
                .register(registry);
    }

    Timer timer(MeterRegistry registry, String... tagValues) {
        require(Kind.TIMER);
        return Timer.builder(id)
                .description(description)
                .tags(tags(tagValues))
                .serviceLevelObjectives(Arrays.stream(buckets)
                        .mapToObj(seconds -> Duration.ofNanos(Math.round(seconds * 1e9)))
                        .toArray(Duration[]::new))
                .register(registry);
    }

    DistributionSummary summary(MeterRegistry registry, String... tagValues) {
        require(Kind.SUMMARY);
        return DistributionSummary.builder(id)
                .description(description)
                .baseUnit(unit.isEmpty() ? null : unit)
                .tags(tags(tagValues))
                .serviceLevelObjectives(buckets)
                .register(registry);
    }

    private void require(Kind expected) {
        assert kind == expected : name() + " is a " + kind.name().toLowerCase(Locale.ROOT);
    }

    private Tags tags(String... values) {
        assert values.length == tags.size() : name() + " has the tags " + tags;
        Tags result = Tags.empty();
        for (int i = 0; i < values.length; i++) {
            result = result.and(tags.get(i), values[i]);
        }
        return result;
    }
}
