package dev.trimtab.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.TrimtabException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Templates written to exhaust the server, each stopped by the limit it runs into.
final class TemplateLimitsTest {
    /// Half of what a server's threads have.
    private static final long SMALL_STACK = 512 << 10;

    /// What running a template on a small stack ends in.
    private static Throwable failureOf(String template) {
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        Thread thread = new Thread(
                null,
                () -> {
                    try {
                        ChatTemplate.compile(template).render(Map.of());
                    } catch (TrimtabException | StackOverflowError e) {
                        failures.add(e);
                    }
                },
                "hostile template",
                SMALL_STACK);
        thread.start();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return fail(e);
        }
        assertThat(failures).as("failures of the template").hasSize(1);
        return failures.getFirst();
    }

    private static String nested(String open, String inside, String close, int levels) {
        return open.repeat(levels) + inside + close.repeat(levels);
    }

    @ParameterizedTest
    @ValueSource(ints = {101, 1000, 20_000})
    void refusesSourceNestedTooDeep(int levels) {
        List<String> templates = List.of(
                "{{ " + nested("(", "1", ")", levels) + " }}",
                "{{ " + nested("[", "1", "]", levels) + " }}",
                "{{ " + nested("{1:", "1", "}", levels) + " }}",
                "{{ " + "not ".repeat(levels) + "1 }}",
                "{{ " + "-".repeat(levels) + "1 }}",
                "{{ " + nested("x[", "1", "]", levels) + " }}",
                "{{ " + nested("f(", "1", ")", levels) + " }}",
                "{{ " + "1 if 1 else ".repeat(levels) + "1 }}",
                "{% set " + nested("(", "x", ")", levels) + " = 1 %}",
                "{% for " + nested("(", "x", ")", levels) + " in y %}{% endfor %}",
                "{% if x %}".repeat(levels),
                "{% for x in y %}".repeat(levels / 2 + 60));

        for (String template : templates) {
            assertThat(failureOf(template))
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining("nested deeper than 100 levels");
        }
    }

    @Test
    void stopsChainsThatEvaluateTooDeep() {
        List<String> templates = List.of(
                "{{ 1" + "+1".repeat(50_000) + " }}",
                "{{ 1" + "*1".repeat(50_000) + " }}",
                "{{ 1" + "|abs".repeat(50_000) + " }}",
                "{{ []" + "[:]".repeat(50_000) + " }}",
                "{{ ''" + ".upper()".repeat(20_000) + " }}",
                "{{ namespace(a=1)" + ".a".repeat(50_000) + " }}",
                "{{ 'a'|map(" + "'map',".repeat(30_000) + "'upper') }}");

        for (String template : templates) {
            assertThat(failureOf(template))
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining("calls inside each other");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{% macro m(n) %}{% if true %}{% for x in [1] %}{{ m(n + 1) ~ '' }}{% endfor %}{% endif %}"
                        + "{% endmacro %}{{ m(0) }}",
                "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
                "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
                "{% set l = [1] %}{% for x in l recursive %}{{ loop(l) }}{% endfor %}",
                "{% macro m(x=m()) %}{% endmacro %}{{ m() }}",
                "{% macro m() %}{% set x %}{{ m() }}{% endset %}{% endmacro %}{{ m() }}",
            })
    void stopsEndlessRecursion(String template) {
        assertThat(failureOf(template))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("calls inside each other");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
                "{% for a in range(100000) %}{% for b in range(100) %}{% if a == b %}{% endif %}{% endfor %}"
                        + "{% endfor %}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
                "{{ [1] * 100000000 }}",
                "{{ ([1] * 1000000) * 1000000 }}",
                "{% set a = range(3000)|list %}{% for x in a %}{% if a == a[:] + [] %}{% endif %}{% endfor %}",
                "{% for i in range(90) %}{{ range(90000)|map('string')|unique|sort|list|length }}{% endfor %}",
                "{{ [1]|batch(90000, 'x')|map('batch', 90000, 'y')|list|length }}{% for i in range(90) %}"
                        + "{{ [1]|batch(90000, 'x')|list|length }}{% endfor %}",
                "{% set ns = namespace(l=['a']) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
                        + "{{ ns.l == ns.l[:] + [] }}{{ ns.l|tojson|length }}",
            })
    void stopsWorkWithoutEnd(String template) {
        assertThat(failureOf(template))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("limit of one rendering");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ 'x' * 1000000000 }}",
                "{{ 'x' * 1000000000000 }}",
                "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(100) %}"
                        + "{% set ns.s = ns.s.replace('x', 'xx') %}{% endfor %}",
                "{% set ns = namespace(s='xx') %}{% for i in range(100) %}"
                        + "{% set ns.s = ns.s.replace('', 'xx') %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}"
                        + "{% endset %}{% endfor %}",
                "{% set ns = namespace(s='&') %}{% for i in range(100) %}{% set ns.s = ns.s|e %}{% endfor %}"
                        + "{% set ns.s = '&' * 30000000 %}{{ ns.s|e|length }}",
                "{% set s = 'x' * 1000000 %}{{ ([s] * 1000)|join }}",
                "{% set s = 'x' * 1000000 %}{{ s.join(['a'] * 1000) }}",
                "{% set s = 'x' * 1000000 %}{{ ('%s' * 1000) % ((s,) * 1000) }}",
                "{% set s = 'x' * 1000000 %}{{ ('{0}' * 1000).format(s) }}",
                "{% set s = 'x' * 1000000 %}{% for i in range(1000) %}{{ s }}{% endfor %}",
                "{% set s = 'x' * 1000000 %}{{ [s] * 1000 }}",
                "{% set s = 'x' * 1000000 %}{{ ([s] * 1000)|tojson }}",
                "{% set s = ' ' * 1000000 %}{{ dict([('a', s)] * 1)|urlencode }}{% for i in range(90) %}"
                        + "{{ s|urlencode }}{% endfor %}",
                "{{ ('\\u2028' * 4000000)|list|string|length }}{{ [('\\u2028' * 16000000)]|string|length }}",
                "{{ 'x'|center(1000000000) }}",
                "{{ 'x'.ljust(1000000000000) }}",
                "{{ '7'.zfill(1000000000) }}",
                "{{ ('\\n' * 100000)|indent(100000) }}",
                "{{ ('a\\t' * 100000).expandtabs(100000) }}",
                "{{ '%999999999d' % 1 }}",
                "{{ '{:9999}{:9999}'.format(1, 2) * 10000 }}",
                "{{ strftime_now('%c' * 10000000) }}",
                "{{ range(100001) }}",
                "{{ range(0, 9223372036854775807) }}",
                "{{ {'a': 1}|tojson(indent=1000) }}",
                "{{ 2 ** 64 }}",
                "{{ 9223372036854775807 + 1 }}",
                "{{ 10 ** 18 * 10 ** 18 }}",
                "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}",
                "{% set ns = namespace(l={}) %}{% for i in range(1000) %}{% set ns.l = {'a': ns.l} %}{% endfor %}",
            })
    void stopsValuesWithoutBound(String template) {
        assertThat(failureOf(template))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("chat template, line 1: ");
    }

    @Test
    void stopsOutputOverItsLimit() {
        String template = "{% set s = 'x' * 1000000 %}{% for i in range(17) %}{{ s }}{% endfor %}";

        assertThat(failureOf(template))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessage("chat template, line 1: more than 16777216 characters printed, the limit of one rendering");
    }

    @Test
    void refusesSourceOverItsLimit() {
        assertThatThrownBy(() -> ChatTemplate.compile("x".repeat(ChatTemplate.SOURCE_MAX + 1)))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("expected at most 262144 characters, found 262145 characters");
    }

    @Test
    void refusesRequestsNestedTooDeep() {
        Object value = "x";
        for (int i = 0; i < 200; i++) {
            value = i % 2 == 0 ? List.of(value) : Map.of("k", value);
        }
        Map<String, Object> context = Map.of("value", value);

        assertThatThrownBy(() -> ChatTemplate.compile("{{ value }}").render(context))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("nests values deeper than 100 levels");
    }

    @Test
    void rendersLongChatsWellUnderTheLimits() {
        List<Map<String, Object>> messages = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            messages.add(Chats.message(i % 2 == 0 ? "user" : "assistant", "word ".repeat(400)));
        }

        for (String name : List.of("demo", "headers", "chatml-tools", "brackets", "typed-tools")) {
            String text = ChatTemplate.compile(Goldens.template(name)).render(Chats.context(messages));
            assertThat(text).hasSizeGreaterThan(3_900_000);
        }
    }

    @Test
    void staysFastWhenKeysShareTheirHash() {
        Map<String, Object> properties = new HashMap<>();
        List<String> names = List.of("Aa", "BB");
        for (int i = 0; i < 1 << 15; i++) {
            var name = new StringBuilder();
            for (int bit = 0; bit < 15; bit++) {
                name.append(names.get(i >> bit & 1));
            }
            properties.put(name.toString(), i);
        }
        long start = System.nanoTime();

        String text = ChatTemplate.compile("{{ properties | length }}").render(Map.of("properties", properties));

        assertThat(text).isEqualTo("32768");
        assertThat(System.nanoTime() - start).isLessThan(5_000_000_000L);
    }
}
