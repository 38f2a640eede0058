package dev.trimtab.tokenizer.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.tokenizer.RandomText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The scanners against the patterns they stand for, run by Java's backtracking engine.
class PreTokenizerTest {
    private static final String GPT2 =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final String TAIL = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String CONTRACTION = "(?iu:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String CASED =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]%s" + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]%s";

    static Stream<Arguments> patterns() {
        return Stream.of(
                Arguments.of("gpt-2", List.of(GPT2)),
                Arguments.of("smollm", List.of("\\p{N}", GPT2)),
                Arguments.of("llama-bpe", List.of(words(3))),
                Arguments.of("qwen2", List.of(words(1))),
                Arguments.of(
                        "qwen35",
                        List.of(words(1).replace("?\\p{L}+", "?[\\p{L}\\p{M}]+")
                                .replace("[^\\s\\p{L}", "[^\\s\\p{L}\\p{M}"))),
                Arguments.of("falcon", List.of("[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]")),
                Arguments.of("default", List.of("[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]")),
                Arguments.of(
                        "deepseek-coder",
                        List.of("[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-\uD7FF]+", "\\p{N}")),
                Arguments.of(
                        "deepseek-v3",
                        List.of(
                                "\\p{N}{1,3}",
                                "[一-龥\u3040-\u309f\u30a0-\u30ff]+",
                                "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
                                        + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|"
                                        + TAIL)),
                Arguments.of("gpt-4o", List.of(cased(CONTRACTION + "?", 3))),
                Arguments.of("tekken", List.of(cased("", 1))),
                Arguments.of("chameleon", List.of("[\\t\\n]|    |  ", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", GPT2)));
    }

    private static String words(int digits) {
        return CONTRACTION + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1," + digits + "}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                + TAIL;
    }

    private static String cased(String ending, int digits) {
        return CASED.formatted("*", "+") + ending + "|" + CASED.formatted("+", "*") + ending + "|\\p{N}{1," + digits
                + "}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + TAIL;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("patterns")
    void cutsWhereItsPatternsCut(String name, List<String> patterns) {
        Random random = new Random(11);
        PreTokenizer preTokenizer = PreTokenizer.named(name).orElseThrow();
        List<Pattern> compiled = patterns.stream()
                .map(pattern -> Pattern.compile(whiteSpaceAsUnicode(pattern)))
                .toList();

        for (int i = 0; i < 3000; i++) {
            String text = RandomText.wellFormed(RandomText.next(random));

            assertThat(split(preTokenizer, text)).as("words of '%s'", text).isEqualTo(split(compiled, text));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "gpt-2|I've 12 apples,  ok|I;'ve; 12; apples;,; ; ok",
                "smollm|a 123|a; ;1;2;3",
                "llama-bpe|I'VE 12345\u00a0x|I;'VE; ;123;45;\u00a0x",
                "qwen2|12 km/h|1;2; km;/h",
                "gpt-4o|HTMLParser isn't|HTMLParser; isn't"
            })
    void cutsIntoWords(String name, String text, String words) {
        assertThat(split(PreTokenizer.named(name).orElseThrow(), text)).containsExactly(words.split(";", -1));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "default",
                "gpt-2",
                "smollm",
                "llama-bpe",
                "qwen2",
                "falcon",
                "deepseek-coder",
                "deepseek-v3",
                "gpt-4o",
                "tekken",
                "chameleon"
            })
    void takesLinearTimeForWhatMakesEnginesRetry(String name) {
        PreTokenizer preTokenizer = PreTokenizer.named(name).orElseThrow();
        for (String part :
                List.of("a", " ", "\n", "\t ", " \n", "A", "ʰA", "\u0301", "'", "'l", "1", "漢", "゙", "/", "\u0085")) {
            String text = part.repeat((1 << 18) / part.length()) + "x";
            long[] total = new long[1];

            preTokenizer.split(Utf8Text.of(text, 0, text.length()), (start, end) -> total[0] += end - start);

            assertThat(total[0]).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
        }
    }

    @Test
    void knowsEveryNameOnce() {
        assertThat(PreTokenizer.named("no such")).isEmpty();
        assertThat(PreTokenizer.named("llama3")).isEqualTo(PreTokenizer.named("llama-bpe"));
        assertThat(PreTokenizer.named("")).isEqualTo(PreTokenizer.named("default"));
    }

    /// `\s` as the engines of tokenizers understand it.
    private static String whiteSpaceAsUnicode(String pattern) {
        return pattern.replace("[^\\s", "[^\\p{IsWhite_Space}")
                .replace("\\S", "\\P{IsWhite_Space}")
                .replace("\\s", "\\p{IsWhite_Space}");
    }

    private static List<String> split(PreTokenizer preTokenizer, String text) {
        Utf8Text utf8 = Utf8Text.of(text, 0, text.length());
        List<String> words = new ArrayList<>();
        preTokenizer.split(
                utf8, (start, end) -> words.add(new String(utf8.bytes(), start, end - start, StandardCharsets.UTF_8)));
        return words;
    }

    private static List<String> split(List<Pattern> patterns, String text) {
        List<String> words = text.isEmpty() ? List.of() : List.of(text);
        for (Pattern pattern : patterns) {
            List<String> parts = new ArrayList<>();
            for (String word : words) {
                Matcher matcher = pattern.matcher(word);
                int gap = 0;
                while (matcher.find()) {
                    addIfAny(parts, word.substring(gap, matcher.start()));
                    addIfAny(parts, matcher.group());
                    gap = matcher.end();
                }
                addIfAny(parts, word.substring(gap));
            }
            words = parts;
        }
        return words;
    }

    private static void addIfAny(List<String> parts, String part) {
        if (!part.isEmpty()) {
            parts.add(part);
        }
    }
}
