package dev.trimtab.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.FakeVariant;
import dev.trimtab.api.http.RequestReport;
import dev.trimtab.engine.FinishReason;
import dev.trimtab.engine.SequenceReport;
import dev.trimtab.engine.Usage;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.life.LifecycleListener;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class MetricsPageTest {
    private static final Pattern COMMENT = Pattern.compile("# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .*");
    private static final Pattern SAMPLE =
            Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"]*\",?.*})? "
                    + "([-+]?[0-9.]+(E[-+]?[0-9]+)?|NaN|[-+]Inf)");
    private static final Pattern SUFFIX = Pattern.compile("_(bucket|count|sum|max)$");

    private PrometheusMeterRegistry registry;
    private Telemetry telemetry;

    @BeforeEach
    void recordOneOfEach() {
        registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        telemetry = new Telemetry(registry);
        VariantRegistry variants = new VariantRegistry();
        variants.add(new FakeVariant("demo"));
        telemetry.lifecycle(variants).loaded(new FakeVariant("demo"), 2_000_000_000);
        variants.measured(
                "demo",
                new Measured(
                        OptionalDouble.of(0.97), OptionalDouble.empty(), Optional.empty(), Map.of("same_top", 0.97)));
        telemetry.lifecycle(variants).failed("broken", 1_000_000);
        telemetry.lifecycle(variants).unloaded("old", LifecycleListener.Cause.EVICTED);
        telemetry.watch(Telemetry.Memory.WEIGHTS, () -> 4096);
        telemetry.api().started();
        telemetry.api().finished(report(200, Optional.empty()));
        telemetry.api().started();
        telemetry.api().finished(report(503, Optional.of("queue_full")));
        telemetry.engine("demo").stepped(5, 2, 3_000_000, 2_900_000);
        telemetry
                .engine("demo")
                .finished(new SequenceReport(
                        new Usage(10, 0, 5), Optional.of(FinishReason.STOP), 1_000, 20_000_000, 2_000_000, 28_000_000));
        telemetry
                .engine("demo")
                .finished(new SequenceReport(new Usage(10, 0, 0), Optional.empty(), 1_000, 0, 0, 28_000_000));
    }

    @Test
    void everyLineIsPrometheusText() {
        for (String line : lines()) {
            assertThat(line).matches(line.startsWith("#") ? COMMENT : SAMPLE);
        }
    }

    @Test
    void showsTheMetersOfTheListAndNoOther() {
        Set<String> listed = new TreeSet<>();
        for (MeterName name : MeterName.values()) {
            listed.add(name.prometheusName());
        }

        Set<String> shown = new TreeSet<>();
        for (String line : lines()) {
            if (!line.startsWith("#")) {
                shown.add(SUFFIX.matcher(line.replaceFirst("[{ ].*", "")).replaceFirst(""));
            }
        }

        assertThat(shown).isEqualTo(listed);
    }

    @Test
    void namesAreUniqueAndDescribed() {
        Set<String> seen = new HashSet<>();

        for (MeterName name : MeterName.values()) {
            assertThat(seen.add(name.prometheusName())).as(name.id()).isTrue();
            assertThat(name.description()).isNotBlank();
        }
    }

    @Test
    void countsTokensRequestsAndEnds() {
        assertThat(lines())
                .contains("vllm:prompt_tokens_total{model_name=\"demo\"} 20.0")
                .contains("vllm:generation_tokens_total{model_name=\"demo\"} 5.0")
                .contains("vllm:request_success_total{finished_reason=\"stop\",model_name=\"demo\"} 1.0")
                .contains("trimtab_sequences_ended_total{model=\"demo\",reason=\"error\"} 1.0")
                .contains("trimtab_requests_total{code=\"200\",endpoint=\"/v1/chat/completions\",model=\"demo\"} 1.0")
                .contains("trimtab_requests_shed_total{reason=\"queue_full\"} 1.0")
                .contains("trimtab_requests_in_flight 0.0")
                .contains("trimtab_variants{state=\"ready\"} 1.0")
                .contains("trimtab_variants{state=\"failed\"} 0.0")
                .contains("trimtab_variant_state{model=\"demo\",state=\"ready\"} 1.0")
                .contains("trimtab_variant_state{model=\"demo\",state=\"unmeasured\"} 0.0")
                .contains("trimtab_variant_measured{figure=\"same_top\",model=\"demo\"} 0.97")
                .contains("trimtab_variant_measured{figure=\"kld_mean\",model=\"demo\"} NaN")
                .contains("trimtab_variant_weights_bytes{kind=\"own\",model=\"demo\"} 0.0")
                .contains("trimtab_variant_loads_total{outcome=\"failed\"} 1.0")
                .contains("trimtab_variant_unloads_total{cause=\"evicted\"} 1.0")
                .contains("trimtab_variant_load_time_seconds_bucket{outcome=\"loaded\",le=\"2.5\"} 1")
                .contains("trimtab_memory_off_heap_bytes{kind=\"weights\"} 4096.0")
                .contains("trimtab_kv_blocks{model=\"demo\",state=\"total\"} 64.0");
    }

    @Test
    void putsTimesInTheBucketsOfTheConventions() {
        assertThat(lines())
                .contains(
                        "gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model=\"demo\",le=\"0.01\"} 0")
                .contains(
                        "gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model=\"demo\",le=\"0.02\"} 1")
                .contains("vllm:time_to_first_token_seconds_bucket{model_name=\"demo\",le=\"2560.0\"} 1");
    }

    @Test
    void forgetsAVariantThatIsServedNoMore() {
        telemetry.forget("demo");

        assertThat(lines()).noneMatch(line -> line.contains("\"demo\""));
    }

    private List<String> lines() {
        return new ArrayList<>(registry.scrape().lines().toList());
    }

    private static RequestReport report(int status, Optional<String> dropReason) {
        return new RequestReport(
                "/v1/chat/completions",
                status,
                Optional.of("chat"),
                Optional.of("demo"),
                dropReason,
                10,
                5,
                30_000_000);
    }
}
