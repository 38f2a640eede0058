package dev.trimtab.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.trimtab.error.TrimtabException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Damaged templates end in a text or in one of our failures, never in anything else.
final class TemplateFuzzTest {
    private static final int ROUNDS = 4000;

    private static final List<String> PIECES = List.of(
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "-",
            "+",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "|",
            ".",
            ",",
            ":",
            "=",
            "==",
            "~",
            "*",
            "**",
            "/",
            "//",
            "%",
            "'",
            "\"",
            "\\",
            "\n",
            " ",
            "0",
            "-1",
            "1e9",
            "99999999999",
            "none",
            "true",
            "loop",
            "messages",
            " if ",
            " else ",
            " in ",
            " is ",
            " not ",
            " and ",
            "for",
            "endfor",
            "endif",
            "set",
            "macro",
            "endmacro",
            "call",
            "caller()",
            "|map('",
            "|tojson",
            "|sort",
            "|join",
            "|indent",
            ".split(",
            ".format(",
            "[::-1]",
            "* 99999999",
            "range(",
            "namespace(",
            "\u0000",
            "\ud83c",
            "\udf0a",
            "\u2028",
            "é");

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void endsInATextOrAKnownFailure(long seed) {
        Random random = new Random(seed);
        List<String> sources = sources();
        Map<String, Object> context =
                Goldens.context(Goldens.json("program-sources.json").get("context"));
        context.putAll(Chats.withTools());

        int rendered = 0;
        for (int round = 0; round < ROUNDS; round++) {
            String template = mutated(random, sources);
            try {
                assertThat(ChatTemplate.compile(template).render(context, Goldens.CLOCK))
                        .isNotNull();
                rendered++;
            } catch (TrimtabException e) {
                assertThat(e).hasMessageNotContaining("java.");
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("seed " + seed + ", round " + round + ": " + template, e);
            }
        }

        // Most mutations break the syntax; enough must get past it for the test to mean something.
        assertThat(rendered).isGreaterThan(ROUNDS / 20);
    }

    private static List<String> sources() {
        List<String> sources = new ArrayList<>();
        for (String name : List.of("demo", "headers", "chatml-tools", "brackets", "typed-tools")) {
            sources.add(Goldens.template(name));
        }
        for (JsonNode golden : Goldens.json("programs.json")) {
            sources.add(golden.get("program").asText());
        }
        return sources;
    }

    private static String mutated(Random random, List<String> sources) {
        var template = new StringBuilder(pick(random, sources));
        for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
            int at = random.nextInt(template.length() + 1);
            int end = Math.min(template.length(), at + random.nextInt(12));
            switch (random.nextInt(5)) {
                case 0 -> template.insert(at, pick(random, PIECES));
                case 1 -> template.delete(at, end);
                case 2 -> template.replace(at, end, pick(random, PIECES));
                case 3 -> template.insert(at, template.substring(at, end));
                default -> {
                    String other = pick(random, sources);
                    int start = random.nextInt(other.length() + 1);
                    template.insert(at, other, start, Math.min(other.length(), start + random.nextInt(60)));
                }
            }
        }
        return template.toString();
    }

    private static String pick(Random random, List<String> choices) {
        return choices.get(random.nextInt(choices.size()));
    }
}
