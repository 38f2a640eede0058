package dev.trimtab.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.trimtab.SharedData;
import dev.trimtab.template.value.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// Templates and expected prompts that others made: Hugging Face's, llama.cpp's and Mistral's.
final class TemplateVectorsTest {
    @TestFactory
    Stream<DynamicTest> rendersHuggingFacesUnitCases() throws IOException {
        JsonNode cases = Goldens.JSON.readTree(
                SharedData.path("vectors/templates/hf-jinja-unit.json").toFile());
        JsonNode inPython = Goldens.json("unit-in-python.json");

        return cases.get("templates").properties().stream().map(entry -> {
            String name = entry.getKey();
            Map<String, Object> context =
                    withFunctions(Goldens.context(cases.get("context").path(name)));
            // Hugging Face's cases are of its JavaScript renderer; where Python prints otherwise, Python is right.
            JsonNode expected = inPython.has(name)
                    ? inPython.get(name)
                    : cases.get("expected").get(name);
            return DynamicTest.dynamicTest(
                    name,
                    () -> assertThat(ChatTemplate.compile(entry.getValue().asText())
                                    .render(context))
                            .isEqualTo(expected.asText()));
        });
    }

    @TestFactory
    Stream<DynamicTest> rendersHuggingFacesChatTemplates() throws IOException {
        JsonNode file = Goldens.JSON.readTree(
                SharedData.path("vectors/templates/hf-jinja-e2e.json").toFile());
        Clock clock = Clock.fixed(Instant.parse(file.get("fixed_clock").asText()), ZoneOffset.UTC);

        return Stream.of("default_templates", "custom_templates")
                .flatMap(group -> file.get(group).properties().stream())
                .map(entry -> {
                    JsonNode node = entry.getValue();
                    return DynamicTest.dynamicTest(entry.getKey(), () -> {
                        String text = ChatTemplate.compile(
                                        node.get("chat_template").asText())
                                .render(Goldens.context(node.get("data")), clock);
                        if (node.get("verified_with_jinja2").asBoolean()) {
                            assertThat(text).isEqualTo(node.get("target").asText());
                        }
                    });
                });
    }

    /// Jinja2 itself does not reproduce these texts: they need to render, no more.
    private static final Set<String> NOT_VERIFIED =
            Set.of("MadeAgents/Hammer2.1", "HuggingFaceTB/SmolLM3-3B", "LiquidAI/LFM2.5-VL-450M");

    @Test
    void knowsWhichCasesDoNotCount() throws IOException {
        JsonNode file = Goldens.JSON.readTree(
                SharedData.path("vectors/templates/hf-jinja-e2e.json").toFile());
        Set<String> unverified = new HashSet<>();
        for (String group : List.of("default_templates", "custom_templates")) {
            for (Map.Entry<String, JsonNode> entry : file.get(group).properties()) {
                if (!entry.getValue().get("verified_with_jinja2").asBoolean()) {
                    unverified.add(entry.getKey());
                }
                // Harmony's renderings count once a template of that format is given; none is.
                assertThat(entry.getValue().get("chat_template").asText()).doesNotContain("<|channel|>");
            }
        }

        assertThat(unverified).isEqualTo(NOT_VERIFIED);
        for (Path template : realTemplates()) {
            assertThat(Files.readString(template)).as("%s", template).doesNotContain("<|channel|>");
        }
    }

    private static List<Path> realTemplates() throws IOException {
        List<Path> templates = new ArrayList<>();
        for (String folder :
                List.of("vectors/templates/llama.cpp", "vectors/templates/mistral-common/chat_templates")) {
            try (Stream<Path> files = Files.list(SharedData.path(folder))) {
                files.sorted().forEach(templates::add);
            }
        }
        return templates;
    }

    @TestFactory
    Stream<DynamicTest> rendersChatsWithRealTemplates() throws IOException {
        return realTemplates().stream()
                .map(path -> DynamicTest.dynamicTest(path.getFileName().toString(), () -> {
                    ChatTemplate template = ChatTemplate.compile(Files.readString(path));

                    assertThat(template.render(Chats.plain())).contains("What is the tide?");
                    assertThat(template.render(Chats.withTools())).contains("What is the tide?");
                }));
    }

    /// The samples were written by Mistral's own encoder for the SentencePiece models. It also unpacks
    /// the JSON in what tools answered, and joins answers, which its templates do not: there, what
    /// comes before the answers counts.
    @TestFactory
    Stream<DynamicTest> rendersMistralsSamples() throws IOException {
        Path samples = SharedData.path("vectors/templates/mistral-common/samples");
        Set<String> whole = Set.of(
                "no_tools/text_v1.txt", "no_tools/text_v2.txt", "no_tools/text_v3.txt", "parallel_calls/text_v3.txt");
        List<Path> texts;
        try (Stream<Path> files = Files.walk(samples)) {
            texts = files.filter(path -> path.toString().matches(".*text_v\\d\\.txt"))
                    .sorted()
                    .toList();
        }

        return texts.stream()
                .map(path -> DynamicTest.dynamicTest(samples.relativize(path).toString(), () -> {
                    String version = path.getFileName().toString().replaceAll("text_|\\.txt", "");
                    Path template = samples.resolveSibling("chat_templates").resolve(version + "_spm.jinja");
                    String expected =
                            Files.readString(path).replace('\u2581', ' ').replace("<0x0A>", "\n");

                    String text =
                            ChatTemplate.compile(Files.readString(template)).render(mistralSample(path));

                    String compared = whole.contains(samples.relativize(path).toString())
                            ? expected
                            : expected.substring(0, expected.indexOf("[TOOL_RESULTS]"));
                    assertThat(text).startsWith(compared).hasSizeGreaterThanOrEqualTo(compared.length());
                    assertThat(text.equals(expected)).isEqualTo(compared.equals(expected));
                }));
    }

    private static Map<String, Object> mistralSample(Path text) throws IOException {
        JsonNode sample =
                Goldens.JSON.readTree(text.resolveSibling("sample.json").toFile());
        for (JsonNode call : sample.findValues("function")) {
            // Mistral's encoder writes the arguments anew, whatever their layout was.
            if (call.path("arguments").isTextual()) {
                JsonNode arguments = Goldens.JSON.readTree(call.get("arguments").asText());
                ((ObjectNode) call).put("arguments", pythonJson(arguments));
            }
        }
        Map<String, Object> context = Goldens.context(sample);
        context.put("bos_token", "<s>");
        context.put("eos_token", "</s>");
        return context;
    }

    private static String pythonJson(JsonNode node) {
        return ChatTemplate.compile("{{ value | tojson }}")
                .render(Map.of("value", Goldens.JSON.convertValue(node, Object.class)));
    }

    /// The few JavaScript functions that the unit cases put into contexts, in our terms.
    private static Map<String, Object> withFunctions(Map<String, Object> context) {
        Map<String, Object> replaced = new HashMap<>();
        context.forEach((name, value) -> replaced.put(name, withFunctions(value)));
        return replaced;
    }

    private static Object withFunctions(Object value) {
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> replaced = new LinkedHashMap<>();
            map.forEach((name, inner) -> replaced.put(String.valueOf(name), withFunctions(inner)));
            return replaced;
        }
        if (!(value instanceof String text) || !text.startsWith("__function__:")) {
            return value;
        }
        return switch (text.substring("__function__:".length())) {
            case "(x, y) => x + y" ->
                new Value.Function(
                        "add",
                        arguments -> Value.of(number(arguments.positional().get(0))
                                + number(arguments.positional().get(1))));
            case "(...args) => args.length" ->
                new Value.Function(
                        "length",
                        arguments -> Value.of((long) arguments.positional().size()));
            case "(...args) => args.join(\"\")" -> joining("");
            case "(...args) => args.join(\"_\")" -> joining("_");
            default -> new Value.Function("nothing", _ -> Value.NONE);
        };
    }

    private static Value joining(String separator) {
        return new Value.Function(
                "join",
                arguments -> Value.of(String.join(
                        separator,
                        arguments.positional().stream()
                                .map(value -> ((Value.Text) value).text())
                                .toList())));
    }

    private static long number(Value value) {
        return ((Value.Int) value).number();
    }
}
