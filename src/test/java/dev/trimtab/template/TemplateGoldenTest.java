package dev.trimtab.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.TrimtabException;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// What Python's Jinja2 makes of our own templates and programs, which need no data from elsewhere.
final class TemplateGoldenTest {
    @TestFactory
    Stream<DynamicTest> rendersChatsAsPythonDoes() {
        JsonNode chats = Goldens.json("chat-cases.json");

        return StreamSupport.stream(Goldens.json("chats.json").spliterator(), false)
                .filter(golden -> !isRenderedByUsAlone(golden))
                .map(golden -> {
                    String template = golden.get("template").asText();
                    String chat = golden.get("chat").asText();
                    return DynamicTest.dynamicTest(
                            template + ": " + chat,
                            () -> check(golden, Goldens.template(template), Goldens.context(chats.get(chat))));
                });
    }

    /// Python cannot write an undefined value as JSON.
    private static boolean isRenderedByUsAlone(JsonNode golden) {
        return golden.get("template").asText().equals("demo")
                && golden.get("chat").asText().equals("tool without parameters");
    }

    @Test
    void writesMissingParametersOfAToolAsNull() {
        JsonNode chat = Goldens.json("chat-cases.json").get("tool without parameters");

        String text = ChatTemplate.compile(Goldens.template("demo")).render(Goldens.context(chat));

        assertThat(text).contains("{\"name\": \"ping\", \"parameters\": null}\n");
    }

    @TestFactory
    Stream<DynamicTest> runsProgramsAsPythonDoes() {
        Map<String, Object> context =
                Goldens.context(Goldens.json("program-sources.json").get("context"));

        return StreamSupport.stream(Goldens.json("programs.json").spliterator(), false)
                .map(golden -> {
                    String program = golden.get("program").asText();
                    return DynamicTest.dynamicTest("'" + program + "'", () -> check(golden, program, context));
                });
    }

    private static void check(JsonNode golden, String template, Map<String, Object> context) {
        if (golden.has("text")) {
            assertThat(ChatTemplate.compile(template).render(context, Goldens.CLOCK))
                    .isEqualTo(golden.get("text").asText());
        } else if (golden.has("refusal")) {
            assertThatThrownBy(() -> ChatTemplate.compile(template).render(context, Goldens.CLOCK))
                    .isInstanceOf(InvalidRequest.class)
                    .hasMessage(golden.get("refusal").asText());
        } else {
            assertThatThrownBy(() -> ChatTemplate.compile(template).render(context, Goldens.CLOCK))
                    .isInstanceOf(TrimtabException.class);
        }
    }
}
