package dev.trimtab.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.InvalidRequest;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ChatTemplateTest {
    private static String render(String template) {
        return ChatTemplate.compile(template).render(Map.of());
    }

    @Test
    void rendersAChat() {
        ChatTemplate template = ChatTemplate.compile("""
                {% for message in messages %}
                {{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' }}
                {% endfor %}
                {% if add_generation_prompt %}
                <|im_start|>assistant
                {% endif %}
                """);

        String text = template.render(Chats.context(List.of(Chats.message("user", "Hello"))));

        assertThat(text).isEqualTo("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    }

    @Test
    void takesEveryKindOfValueOfTheContext() {
        Map<String, Object> context = new HashMap<>();
        context.put("none", null);
        context.put("values", List.of("text", true, 1, 2L, 0.5));
        context.put("map", Map.of("key", List.of()));
        context.put("missing", null);

        String text = ChatTemplate.compile("{{ values }} {{ map }} {{ missing }} {{ other }}")
                .render(context);

        assertThat(text).isEqualTo("['text', True, 1, 2, 0.5] {'key': []} None ");
    }

    @Test
    void refusesAKindOfValueItDoesNotKnow() {
        ChatTemplate template = ChatTemplate.compile("{{ thing }}");

        assertThatThrownBy(() -> template.render(Map.of("thing", new Object())))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("java.lang.Object");
    }

    @Test
    void tellsTheTimeOfTheGivenClock() {
        Clock clock = Clock.fixed(Instant.parse("2024-02-03T04:05:06Z"), ZoneOffset.UTC);

        String text =
                ChatTemplate.compile("{{ strftime_now('%d %B %Y, %H:%M') }}").render(Map.of(), clock);

        assertThat(text).isEqualTo("03 February 2024, 04:05");
    }

    @Test
    void changesNothingOfItsInput() {
        List<Object> messages = new ArrayList<>(List.of(Chats.message("user", "Hello")));
        Map<String, Object> context = new HashMap<>(Map.of("messages", messages));

        ChatTemplate.compile("{% set messages = messages + [1] %}{% set more = 2 %}{{ messages }}")
                .render(context);

        assertThat(messages).hasSize(1);
        assertThat(context).containsOnlyKeys("messages");
    }

    @Test
    void rendersTheSameFromManyThreads() throws Exception {
        ChatTemplate template = ChatTemplate.compile(Goldens.template("typed-tools"));
        String expected = template.render(Chats.withTools());

        List<Future<String>> texts = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (int i = 0; i < 200; i++) {
                texts.add(threads.submit(() -> template.render(Chats.withTools())));
            }
        }

        for (Future<String> text : texts) {
            assertThat(text.get()).isEqualTo(expected);
        }
    }

    @Test
    void reportsWhatTheTemplateRefusesAsTheRequestsFault() {
        assertThatThrownBy(() -> render("{{ raise_exception('Only user and assistant!') }}"))
                .isInstanceOf(InvalidRequest.class)
                .hasMessage("Only user and assistant!");
    }

    @Test
    void reportsWhatDoesNotFitTheTemplateAsTheRequestsFault() {
        assertThatThrownBy(() -> render("one\n\n{{ 'text' + none }}"))
                .isInstanceOf(InvalidRequest.class)
                .hasMessage("chat template, line 3: unsupported operand type(s) for +: 'str' and 'NoneType'");
    }

    @Test
    void reportsLookingIntoSomethingUndefined() {
        assertThatThrownBy(() -> ChatTemplate.compile("{{ message.content.text }}")
                        .render(Map.of("message", Map.of("role", "user"))))
                .isInstanceOf(InvalidRequest.class)
                .hasMessage("chat template, line 1: 'dict object' has no attribute 'content'");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '@',
            quoteCharacter = '`',
            value = {
                "{% for x of y %}{% endfor %} @ line 1: expected 'in', found 'of', in: {% for x of y %}{% endfor %}",
                "{{ 1 + }} @ line 1: expected an expression, found '}}', in: {{ 1 + }}",
                "{{ 'open }} @ line 1: a string without its closing ', in: {{ 'open }}",
                "{% if x %} @ line 1: expected 'endif', found the end of the template, in: {% if x %}",
                "{% else %} @ line 1: expected a tag that is open here, found 'else', in: {% else %}",
                "{{ (1] }} @ line 1: unexpected ']', in: {{ (1] }}",
                "{{ x | shout }} @ line 1: no filter or test named 'shout', in: {{ x | shout }}",
                "{{ x is odder }} @ line 1: no filter or test named 'odder', in: {{ x is odder }}",
                "{% include 'other' %} @ line 1: 'include' needs other templates, and a checkpoint has one, in: "
                        + "{% include 'other' %}",
                "{% frob %} @ line 1: unknown tag 'frob', in: {% frob %}",
            })
    void refusesTemplatesThatDoNotParse(String template, String message) {
        assertThatThrownBy(() -> ChatTemplate.compile(template))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessage("chat template, " + message);
    }

    @Test
    void namesTheLineOfAnError() {
        assertThatThrownBy(() -> ChatTemplate.compile("one\n{# two\nthree #}\n{% if true %}\n  {{ 1 2 }}\n{% endif %}"))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessage("chat template, line 5: expected '}}', found '2', in: {{ 1 2 }}");
    }

    @Test
    void forgivesAnUnknownFilterInABranchThatIsNotTaken() {
        assertThat(render("{% if false %}{{ x | shout }}{% endif %}{{ (1 | shout) if false else 2 }}"))
                .isEqualTo("2");
        assertThatThrownBy(() -> render("{% if true %}{{ x | shout }}{% endif %}"))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessage("chat template, line 1: no filter named 'shout'");
    }

    @Test
    void joinsTextsAndNumbersWherePythonRefuses() {
        assertThat(render("{{ 'a' + 1 }}{{ 2 + 'b' }}{{ 'c' + 0.5 }}")).isEqualTo("a12bc0.5");
    }

    @Test
    void doesNotEscapeWhatIsJoinedToASafeText() {
        assertThat(render("{{ '{\"a\": ' + ('\"<b>\"' | safe) + '}' }}")).isEqualTo("{\"a\": \"<b>\"}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "''.__class__",
                "[].__class__",
                "namespace.__globals__",
                "(1).real",
                "[].append",
                "{}.update",
                "loop",
            })
    void givesNoWayOutOfTheTemplate(String expression) {
        assertThat(render("{{ " + expression + " is defined }}")).isEqualTo("False");
        assertThatThrownBy(() -> render("{{ (" + expression + ")() }}")).isInstanceOf(InvalidRequest.class);
    }
}
