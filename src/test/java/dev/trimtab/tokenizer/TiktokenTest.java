package dev.trimtab.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.SharedData;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The encodings of OpenAI's vocabularies as jtokkit's tests list them.
class TiktokenTest {
    private static final String FOLDER = "vectors/tokenizers/tiktoken/";
    private static final Pattern NUMBER = Pattern.compile("\\d+");

    @ParameterizedTest
    @CsvSource({
        "r50k_base, r50k_base, gpt-2",
        "p50k_base, p50k_base, gpt-2",
        "p50k_base, p50k_edit, gpt-2",
        "cl100k_base, cl100k_base, dbrx",
        "o200k_base, o200k_base, gpt-4o"
    })
    void encodesAsTiktokenAndDecodesAgain(String ranks, String encodings, String preTokenizer) {
        Tokenizer tokenizer = Vocabularies.tiktoken(preTokenizer, FOLDER + ranks + ".tiktoken");
        List<List<String>> rows = csv(Vocabularies.text(SharedData.path(FOLDER + encodings + "_encodings.csv")));

        assertThat(rows).hasSizeGreaterThan(100);
        SoftAssertions softly = new SoftAssertions();
        for (List<String> row : rows.subList(1, rows.size())) {
            int[] expected = NUMBER.matcher(row.get(1))
                    .results()
                    .mapToInt(number -> Integer.parseInt(number.group()))
                    .toArray();
            int[] ids = tokenizer.encode(row.getFirst(), Tokenizer.ControlTokens.AS_TEXT);
            softly.assertThat(ids).as("ids of '%s'", row.getFirst()).containsExactly(expected);
            softly.assertThat(tokenizer.decode(ids)).as("text").isEqualTo(row.getFirst());
        }
        softly.assertAll();
    }

    /// Rows of fields (RFC 4180): a quoted field holds separators, and quotes twice.
    private static List<List<String>> csv(String text) {
        List<List<String>> rows = new ArrayList<>();
        List<String> row = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
            boolean twice = character == '"' && quoted && i + 1 < text.length() && text.charAt(i + 1) == '"';
            if (twice) {
                field.append('"');
                i++;
            } else if (character == '"') {
                quoted = !quoted;
            } else if (quoted || (character != ',' && character != '\n')) {
                field.append(character);
            } else {
                row.add(field.toString());
                field.setLength(0);
                if (character == '\n' && row.size() > 1) {
                    rows.add(row);
                }
                if (character == '\n') {
                    row = new ArrayList<>();
                }
            }
        }
        return rows;
    }
}
