package dev.trimtab.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Internal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetadataTest {
    private final Metadata metadata = new Metadata(
            "m.gguf",
            Map.of(
                    "text", new MetadataValue.Text("a"),
                    "whole", new MetadataValue.Whole(ValueType.UINT32, 7),
                    "real", new MetadataValue.Real(ValueType.FLOAT32, 0.5),
                    "infinite", new MetadataValue.Real(ValueType.FLOAT32, Double.POSITIVE_INFINITY),
                    "flag", new MetadataValue.Flag(true),
                    "texts", new MetadataValue.Texts(List.of("a", "b")),
                    "wholes", new MetadataValue.Wholes(ValueType.INT8, new long[] {1, 2}),
                    "reals", new MetadataValue.Reals(ValueType.FLOAT32, new double[] {1.5})));

    @Test
    void givesValuesOfTheTypeAskedFor() {
        assertThat(metadata.string("text")).isEqualTo("a");
        assertThat(metadata.integer("whole", 1, 7)).isEqualTo(7);
        assertThat(metadata.number("whole")).isEqualTo(7);
        assertThat(metadata.number("real")).isEqualTo(0.5);
        assertThat(metadata.flag("flag", false)).isTrue();
        assertThat(metadata.strings("texts")).containsExactly("a", "b");
        assertThat(metadata.integers("wholes")).containsExactly(1, 2);
        assertThat(metadata.numbers("reals")).containsExactly(1.5);
    }

    @Test
    void fallsBackOnlyWhereTheKeyIsAbsent() {
        assertThat(metadata.string("none", "b")).isEqualTo("b");
        assertThat(metadata.integer("none", 1, 2, -5)).isEqualTo(-5);
        assertThat(metadata.number("none", 2)).isEqualTo(2);
        assertThat(metadata.flag("none", true)).isTrue();
        refuses(() -> metadata.string("whole", "b"), "metadata whole: expected a string, found 7");
        refuses(() -> metadata.flag("text", true), "metadata text: expected a boolean, found \"a\"");
    }

    @Test
    void saysWhatWasExpectedAndWhatWasFound() {
        refuses(() -> metadata.string("none"), "metadata none: expected a value, found none");
        refuses(() -> metadata.integer("real"), "metadata real: expected an integer, found 0.5");
        refuses(() -> metadata.integer("whole", 8, 9), "metadata whole: expected an integer in 8..9, found 7");
        refuses(() -> metadata.number("infinite"), "metadata infinite: expected a finite number, found Infinity");
        refuses(() -> metadata.number("text"), "metadata text: expected a finite number, found \"a\"");
        refuses(() -> metadata.strings("wholes"), "metadata wholes: expected an array of strings, found an array of 2");
        refuses(() -> metadata.integers("texts"), "metadata texts: expected an array of integers");
        refuses(() -> metadata.numbers("whole"), "metadata whole: expected an array of numbers, found 7");
    }

    @Test
    void cannotBeChangedFromOutside() {
        Map<String, MetadataValue> values = new LinkedHashMap<>();
        Metadata copied = new Metadata("m", values);
        values.put("late", new MetadataValue.Flag(true));
        metadata.integers("wholes")[0] = 99;

        assertThat(copied.contains("late")).isFalse();
        assertThat(metadata.integers("wholes")).containsExactly(1, 2);
        assertThatThrownBy(() -> metadata.values().clear()).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void cutsLongTextsInMessages() {
        assertThat(new MetadataValue.Text("x".repeat(5000)).describe())
                .hasSize(62)
                .endsWith("...\"");
    }

    @ParameterizedTest
    @CsvSource({
        "UINT8, 0, 255",
        "INT8, -128, 127",
        "UINT16, 0, 65535",
        "INT16, -32768, 32767",
        "UINT32, 0, 4294967295",
        "INT32, -2147483648, 2147483647",
        "UINT64, 0, 9223372036854775807",
    })
    void holdsAnIntegerOnlyInItsTypesRange(ValueType type, long min, long max) {
        assertThat(new MetadataValue.Whole(type, min).value()).isEqualTo(min);
        assertThat(new MetadataValue.Whole(type, max).value()).isEqualTo(max);
        assertThatThrownBy(() -> new MetadataValue.Whole(type, min - 1)).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> new MetadataValue.Whole(type, max + 1)).isInstanceOf(Internal.class);
    }

    private static void refuses(ThrowingCallable look, String message) {
        assertThatThrownBy(look).isInstanceOf(BadCheckpoint.class).hasMessageStartingWith("m.gguf: " + message);
    }
}
