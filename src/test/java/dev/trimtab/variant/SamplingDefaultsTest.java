package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Metadata;
import dev.trimtab.checkpoint.MetadataValue;
import dev.trimtab.checkpoint.ValueType;
import dev.trimtab.engine.SamplingOptions.Field;
import dev.trimtab.error.BadCheckpoint;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplingDefaultsTest {
    private static MetadataValue real(double value) {
        return new MetadataValue.Real(ValueType.FLOAT32, value);
    }

    private static SamplingDefaults of(Map<String, MetadataValue> values) {
        return SamplingDefaults.of(new Metadata("model", values));
    }

    @Test
    void readsWhatGgufFilesAdvise() {
        SamplingDefaults defaults = of(Map.of(
                "general.sampling.temp", real(0.6),
                "general.sampling.top_k", new MetadataValue.Whole(ValueType.INT32, 20),
                "general.sampling.top_p", real(0.95),
                "general.sampling.min_p", real(0.05),
                "general.sampling.penalty_repeat", real(1.05),
                "general.sampling.penalty_last_n", new MetadataValue.Whole(ValueType.INT32, 64)));

        assertThat(defaults.advised())
                .isEqualTo(Map.of(
                        Field.TEMPERATURE, 0.6f,
                        Field.TOP_K, 20f,
                        Field.TOP_P, 0.95f,
                        Field.MIN_P, 0.05f,
                        Field.REPETITION_PENALTY, 1.05f));
        assertThat(defaults.or(Field.TEMPERATURE, 1)).isEqualTo(0.6f);
        assertThat(defaults.named().keySet())
                .containsExactly("temperature", "top_k", "top_p", "min_p", "repetition_penalty");
    }

    @Test
    void leavesWhatIsNotAdvisedToTheRequest() {
        assertThat(of(Map.of())).isEqualTo(SamplingDefaults.NONE);
        assertThat(SamplingDefaults.NONE.or(Field.TOP_P, 1)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"temp, 2.5", "temp, -1", "top_p, 0", "top_p, 1.5", "min_p, -0.1", "penalty_repeat, 0", "top_k, 1e12"})
    void ignoresNumbersThatNoRequestCouldAskFor(String key, double value) {
        assertThat(of(Map.of("general.sampling." + key, real(value)))).isEqualTo(SamplingDefaults.NONE);
    }

    @Test
    void keepsTheRestOfAdviceThatIsPartlyWrong() {
        SamplingDefaults defaults = of(Map.of("general.sampling.temp", real(0.5), "general.sampling.top_p", real(1.5)));

        assertThat(defaults.advised()).isEqualTo(Map.of(Field.TEMPERATURE, 0.5f));
    }

    @Test
    void takesATopKBelowZeroForAllTokens() {
        assertThat(of(Map.of("general.sampling.top_k", real(-1))).or(Field.TOP_K, 40))
                .isZero();
    }

    @Test
    void refusesWhatIsNoNumber() {
        assertThatThrownBy(() -> of(Map.of("general.sampling.temp", new MetadataValue.Text("hot"))))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContainingAll("general.sampling.temp", "a finite number");
    }
}
