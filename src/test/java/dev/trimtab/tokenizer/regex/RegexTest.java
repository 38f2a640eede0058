package dev.trimtab.tokenizer.regex;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tokenizer.RandomText;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegexTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                        + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'ll)?",
                "[^\\r\\n\\p{L}\\p{N}]?((?=[\\p{L}])([^a-z]))*((?=[\\p{L}])([^A-Z]))+",
                "[\\p{Lu}\\p{Lo}\\p{M}&&[^\\p{IsHan}]]*[\\p{Ll}\\p{Lo}&&[^\\p{IsHan}]]+",
                "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))",
                "(?=(\\p{Nd}{3})+(?!\\p{Nd}))",
                "(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+",
                "[^(\\s|[.,!?\u2026]]+",
                "\\w+|[^\\w\\s]+",
                "\\bc\\w*?t|e??l{2,}|\\Bo+?",
                "(a|ab)(c|bcd)?|(?<=l)[a-z]|(?<![a-z])H",
                "^\\s+|\\s+$"
            })
    void findsWhatABacktrackingEngineFinds(String pattern) {
        Random random = new Random(5);
        Regex regex = Regex.compile(pattern);
        Pattern reference = Pattern.compile(pattern, Pattern.UNICODE_CHARACTER_CLASS | Pattern.MULTILINE);

        for (int i = 0; i < 2000; i++) {
            // Java ends lines in more ways, and counts joiners as letters.
            String text = RandomText.wellFormed(RandomText.next(random))
                    .replaceAll("[\\r\\x85\\x{2028}\\x{2029}]", "\n")
                    .replaceAll("[\\x{200C}\\x{200D}]", "");

            assertThat(matches(regex, text)).as("matches in '%s'", text).isEqualTo(matches(reference, text));
        }
    }

    private static List<String> matches(Regex regex, String text) {
        List<String> matches = new ArrayList<>();
        Regex.Search search = regex.in(text);
        for (int from = 0; from <= text.length() && search.find(from); ) {
            matches.add(search.start() + "-" + search.end());
            from = search.end() > search.start() ? search.end() : next(text, search.end());
        }
        return matches;
    }

    private static List<String> matches(Pattern pattern, String text) {
        List<String> matches = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        for (int from = 0; from <= text.length() && matcher.find(from); ) {
            matches.add(matcher.start() + "-" + matcher.end());
            from = matcher.end() > matcher.start() ? matcher.end() : next(text, matcher.end());
        }
        return matches;
    }

    private static int next(String text, int position) {
        return position < text.length() ? text.offsetByCodePoints(position, 1) : position + 1;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "\\p{Han}+ ab漢字 2-4",
                "[[:punct:]] a$ 1-2",
                "[^[:alpha:]]+ ab12 2-4",
                "\\x41\\x{1F600} xA😀 1-4",
                "a{,2} aaa 0-2",
                "x{y x{y 0-3",
                "a++b aab 0-3",
                "(?>ab|a)c abc 0-3",
                "(?i)strasse xſTRASSE 1-8",
                "(?<name>b) ab 1-2",
                "[]a]+ b]a 1-3",
                "[a\\-z]+ b-z 1-3",
                "\\p{^L}+ ab12 2-4"
            })
    void knowsOnigurumasSyntax(String pattern, String text, String match) {
        assertThat(matches(Regex.compile(pattern), text)).first().isEqualTo(match);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a",
                "a)",
                "[a",
                "\\",
                "*a",
                "(?=a",
                "(?<=ab)c",
                "\\1",
                "\\p{Nonsense}",
                "a{3,1}",
                "a{2000}",
                "[z-a]",
                "(?x:a)",
                "\\G",
                "[[:nonsense:]]",
                "\\x{110000}",
                "(?<a",
                "\\p{L",
                "\\u12"
            })
    void refusesWhatItDoesNotKnow(String pattern) {
        assertThatThrownBy(() -> Regex.compile(pattern))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("regular expression '");
    }

    @Test
    void limitsPatterns() {
        assertThatThrownBy(() -> Regex.compile("a".repeat(Regex.PATTERN_MAX + 1)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("at most 8192 characters");
        assertThatThrownBy(() -> Regex.compile("((a{1000}){1000}){1000}"))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("when unfolded");
        assertThatThrownBy(() -> Regex.compile("(".repeat(4000) + ")".repeat(4000)))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("32 deep");
        assertThatThrownBy(() -> Regex.compile("[".repeat(4000)))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining("32 deep");
    }

    @ParameterizedTest
    @ValueSource(strings = {"(a*)*b", "(a|a)*b", "(a|aa)+$", "(?:a+)+b", "((a?){20}a{20})?b"})
    void doesNotBacktrack(String pattern) {
        String text = "a".repeat(400);

        assertThat(Regex.compile(pattern).in(text).findAt(0)).isEqualTo(pattern.endsWith("$"));
    }

    @Test
    void givesUpOnPatternsThatLookAtTheWholeTextAgainAndAgain() {
        String text = "a".repeat(20_000);

        assertThatThrownBy(() -> matches(Regex.compile("a*b|a"), text))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("steps a character for a text of 20000");
    }
}
