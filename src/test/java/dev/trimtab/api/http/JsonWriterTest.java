package dev.trimtab.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class JsonWriterTest {
    @Test
    void writesEveryKindOfValue() {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("a", Arrays.asList(1L, 2.5, "x", true, null));
        value.put("b", Map.of());
        value.put("c", List.of());
        value.put("d", Double.NaN);

        assertThat(JsonWriter.write(value)).hasToString("{\"a\":[1,2.5,\"x\",true,null],\"b\":{},\"c\":[],\"d\":null}");
    }

    @Test
    void escapesWhatJsonForbidsAndNothingElse() {
        String text = "\"\\\n\r\t\u0001/\u007f\u00e9\u20ac\ud83d\ude00";

        assertThat(JsonWriter.write(text)).hasToString("\"\\\"\\\\\\n\\r\\t\\u0001/\\u007f\u00e9\u20ac\ud83d\ude00\"");
    }

    @Test
    void escapesUnpairedSurrogates() {
        assertThat(JsonWriter.write("a\ud83db\ude00")).hasToString("\"a\\ud83db\\ude00\"");
    }

    @Test
    void readsBackWhatItWrote() {
        Random random = new Random(11);

        for (int i = 0; i < 2_000; i++) {
            String text = random.ints(random.nextInt(40), 0, 0x11000)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString();
            assertThat(JsonReader.read(JsonWriter.write(text).getBytes())).isEqualTo(text);
        }
    }

    @Test
    void startsAnewAfterTaking() {
        JsonWriter json = new JsonWriter(4);
        json.beginObject().name("a").value(1).endObject().take();

        assertThat(json.beginArray().value(1).value(2).endArray().take()).hasToString("[1,2]");
    }
}
