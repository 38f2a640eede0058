package dev.trimtab.quality.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import dev.trimtab.quality.measure.Gates.OnFail;
import dev.trimtab.quality.measure.Gates.Verdict;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GatesTest {
    private static final Measurement FOUND = new Measurement(
            new Measurement.Sample(4080, 16, 512),
            new Measurement.Distance(new Estimate(0.04, 0.002), 0.02, 0.1, 0.3, 2),
            new Estimate(0.92, 0.004),
            new Measurement.Perplexity(new Estimate(10, 0.1), new Estimate(10.5, 0.1), new Estimate(0.0488, 0.001)),
            new Measurement.Shift(-0.001, 0.03, 0.02, 0.95, 0.7),
            new Measurement.Cost(50, 500, 1_000_000));

    @ParameterizedTest
    @CsvSource({
        "kld_mean, <=0.05, true",
        "kld_mean, <= 4e-2, true",
        "kld_mean, <0.04, false",
        "kld_p99, <=0.25, false",
        "ppl_ratio, <=1.06, true",
        "ppl_ratio, <=1.04, false",
        "same_top, >=0.92, true",
        "same_top, >0.92, false",
        "flips, <=0.02, true",
        "dp_rms, < 0.03, false",
        "gen_match, >=0.6, true",
        "decode_tps, >=60, false",
        "prefill_tps, >=100, true",
        "bytes, <=1000000, true",
        "bytes, <999999, false"
    })
    void compareNumbersWithBounds(String metric, String bound, boolean passes) {
        Verdict verdict = Gates.parse(Map.of(metric, bound), OnFail.WARN).check(FOUND.facts());

        assertThat(verdict instanceof Verdict.Passed).isEqualTo(passes);
    }

    @Test
    void nameTheFirstThatIsMissedWithBothNumbers() {
        Map<String, String> bounds = new LinkedHashMap<>();
        bounds.put("kld_mean", "<=0.05");
        bounds.put("same_top", ">=0.95");
        bounds.put("gen_match", ">=0.9");

        Verdict verdict = Gates.parse(bounds, OnFail.QUARANTINE).check(FOUND.facts());

        assertThat(verdict).hasToString("same_top >= 0.95 missed: found 0.92");
    }

    @ParameterizedTest
    @EnumSource(Metric.class)
    void spellEveryMetricAsRecipesDo(Metric metric) {
        Gate gate = Gate.parse(metric.word(), ">= -1");

        assertThat(gate.metric()).isEqualTo(metric);
        assertThat(gate).hasToString(metric.word() + " >= -1");
        assertThat(metric.of(FOUND.facts())).isPresent();
        assertThat(metric.of(Map.of())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.05", "=0.05", "<=", "<= five", "<=0.05 nats", "=<0.05", "<=NaN", ""})
    void refuseBoundsThatAreNone(String bound) {
        assertThatThrownBy(() -> Gate.parse("kld_mean", bound))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("kld_mean");
    }

    @Test
    void refuseMetricsAndWordsThatAreNone() {
        assertThatThrownBy(() -> Gate.parse("kld", "<=1"))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("kld_mean, kld_p99");
        assertThatThrownBy(() -> OnFail.parse("ignore"))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("`ignore`");
        assertThat(OnFail.parse("warn")).isEqualTo(OnFail.WARN);
    }

    @Test
    void askNothingWhereThereAreNone() {
        assertThat(Gates.NONE.check(FOUND.facts())).isEqualTo(new Verdict.Passed());
    }

    @Test
    void areAskedOfMeasurementsThatCheckThemselves() {
        assertThatThrownBy(() -> new Estimate(Double.NaN, 0)).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> new Measurement.Shift(0, 0, 0, 1.5, 0)).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> new Measurement.Distance(new Estimate(0, 0), 3, 2, 4, 5))
                .isInstanceOf(Internal.class);
    }
}
