package dev.trimtab.api.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.InvalidRequest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class JsonReaderTest {
    @Test
    void readsEveryKindOfValue() {
        Object value = JsonReader.read("{\"a\":[1,2.5,\"x\",true,null],\"b\":{}}");

        assertThat(value).isEqualTo(Map.of("a", Arrays.asList(1L, 2.5, "x", true, null), "b", Map.of()));
    }

    @Test
    void keepsTheOrderOfFields() {
        Object value = JsonReader.read("{\"z\":1,\"a\":2,\"m\":3}");

        assertThat(String.valueOf(value)).isEqualTo("{z=1, a=2, m=3}");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "`{`                 | line 1, column 2  | ends too early",
                "`{\"a\":1,}`        | line 1, column 8  | Unexpected character",
                "`{\"a\" 1}`         | line 1, column 6  | Unexpected character",
                "`{\"a\":1}\n{}`     | line 2, column 1  | after the first value",
                "`{\"a\":1,\"a\":2}` | line 1, column 8  | given twice",
                "`[01]`              | line 1, column 3  | Leading zeroes",
                "`nonsense`          | line 1, column 1  | Unrecognized token",
                "`\"a\tb\"`          | line 1, column 3  | unquoted character",
            })
    void refusesMalformedTextWithThePosition(String json, String position, String reason) {
        assertThatThrownBy(() -> JsonReader.read(json))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("not valid JSON")
                .hasMessageContaining(position)
                .hasMessageContaining(reason)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("Source", "StreamRead"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "   ", "\n"})
    void refusesAnEmptyBody(String json) {
        assertThatThrownBy(() -> JsonReader.read(json))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("empty");
    }

    @Test
    void refusesTextThatIsNotUtf8WithThePosition() {
        byte[] body = {'{', '"', 'a', '"', ':', '"', (byte) 0xC3, '"', '}'};

        assertThatThrownBy(() -> JsonReader.read(body))
                .isInstanceOf(InvalidRequest.class)
                .hasMessage("the body is not valid UTF-8 at byte 6");
    }

    @Test
    void takesTheReplacementCharacterItself() {
        byte[] body = "\"\uFFFD\"".getBytes(StandardCharsets.UTF_8);

        assertThat(JsonReader.read(body)).isEqualTo("\uFFFD");
    }

    @Test
    void refusesDeepNesting() {
        String json = "[".repeat(JsonReader.DEPTH_MAX + 1) + "]".repeat(JsonReader.DEPTH_MAX + 1);

        assertThatThrownBy(() -> JsonReader.read(json))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("depth");
    }

    @Test
    void refusesLongNumbersAndNames() {
        assertThatThrownBy(() -> JsonReader.read("9".repeat(JsonReader.NUMBER_LENGTH_MAX + 1)))
                .isInstanceOf(InvalidRequest.class);
        assertThatThrownBy(() -> JsonReader.read("{\"" + "n".repeat(JsonReader.NAME_LENGTH_MAX + 1) + "\":1}"))
                .isInstanceOf(InvalidRequest.class);
    }

    @Test
    void takesIntegersBeyondLongAsNumbers() {
        assertThat(JsonReader.read("[9223372036854775808,1e999]")).isEqualTo(List.of(0x1p63, Double.POSITIVE_INFINITY));
    }

    @Test
    void endsInAValueOrARefusalWhateverBytesCome() {
        Random random = new Random(7);
        byte[] good = "{\"messages\":[{\"role\":\"user\",\"content\":\"h\u00e9\"}],\"n\":2,\"t\":0.5e1}"
                .getBytes(StandardCharsets.UTF_8);

        for (int i = 0; i < 20_000; i++) {
            byte[] bad = good.clone();
            for (int flips = random.nextInt(3); flips >= 0; flips--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            }
            try {
                JsonReader.read(bad);
            } catch (InvalidRequest e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }
}
