package dev.trimtab.compress.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadConfiguration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Patterns of names against Java's own matcher, and those that would take it for ever.
class NamePatternTest {
    private static final List<String> NAMES = List.of(
            "blk.0.attn_q.weight",
            "blk.11.ffn_down_exps.weight",
            "model.layers.3.self_attn.v_proj",
            "model.layers.12.mlp.down_proj.weight",
            "token_embd",
            "lm_head",
            "");

    @ParameterizedTest
    @ValueSource(
            strings = {
                ".*(o|down)_proj$",
                ".*\\.v_proj$",
                "\\.(\\d*[13579])\\.attn_q",
                "^blk\\.[0-5]\\.",
                "attn_[^kv]",
                "(?:q|v)_proj|embd$",
                "^$",
                "lm_?head",
                "(a*)*b",
                "\\w+\\.\\d+\\.\\s*mlp",
                "[-a-c]_[\\]d]",
                "x|",
                "(|l)m_"
            })
    void findsWhatJavaFinds(String expression) {
        NamePattern pattern = NamePattern.expression(expression);

        for (String name : NAMES) {
            assertThat(pattern.matches(name))
                    .as(name)
                    .isEqualTo(Pattern.compile(expression).matcher(name).find());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "blk.*.attn_?.weight, blk.0.attn_q.weight, true",
        "blk.*.attn_?.weight, blk.0.attn_qkv.weight, false",
        "*down_proj, model.layers.1.mlp.down_proj, true",
        "*down_proj, model.layers.1.mlp.down_proj.weight, false",
        "*, anything, true",
        "a.c*, abc, false"
    })
    void globsMatchWholeNames(String glob, String name, boolean expected) {
        assertThat(NamePattern.glob(glob).matches(name)).isEqualTo(expected);
    }

    @Test
    void whatMakesOthersBacktrackEndsSoon() {
        String name = "a".repeat(200) + "!";

        for (String expression : List.of(
                "(a+)+$",
                "(a|aa)+$",
                "(a*)*c",
                "(.*)*(.*)*(.*)*x",
                "$" + "(|)".repeat(100) + "x",
                "(a?)*".repeat(60) + "b")) {
            assertThat(NamePattern.expression(expression).matches(name))
                    .as(expression)
                    .isFalse();
        }
    }

    @Test
    void givesUpOnAPatternThatIsTooMuchWork() {
        String expression = "((((a*b?)*c?)*d?)*".repeat(3) + ")".repeat(3) + "(.*.*.*.*.*.*)*".repeat(20) + "!";
        NamePattern pattern = NamePattern.expression(expression);

        assertThatThrownBy(() -> pattern.matches("a".repeat(2_000)))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("takes too long");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"(", ")", "a)", "[a", "[", "*a", "a{2}", "(?=a)", "(?i)a", "\\1", "\\p{L}", "a\\", "[z-a]", "(?:"
            })
    void refusesWhatItDoesNotKnow(String expression) {
        assertThatThrownBy(() -> NamePattern.expression(expression))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageStartingWith("pattern `" + expression + "`: ");
    }

    @Test
    void refusesDeepAndLongPatterns() {
        assertThatThrownBy(() -> NamePattern.expression("(".repeat(100) + ")".repeat(100)))
                .hasMessageContaining("deep");
        assertThatThrownBy(() -> NamePattern.glob("*".repeat(1_000))).hasMessageContaining("1..512 characters");
    }
}
