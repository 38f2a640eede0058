package dev.trimtab.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What can be wrong with a variant, at the packaged product: each is told once and clearly, and what was serving
/// answers after it as before.
class HostileVariantsIT {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final String QUESTION = """
            {"model":"demo","temperature":0,"messages":[{"role":"user","content":"What is the capital of Norway?"}]}""";

    /// A layer of which next to nothing is left.
    private static final String COLLAPSING = """
            {"prune": [{"method": "random", "targets": ["ffn"], "layers": 1, "sparsity": 0.99}], "quantize": "int8",
             "evaluate": {"tokens": 512, "gates": {"same_top": ">=0.95"}}}""";

    /// Asks for the state of a variant that is measured in the background.
    private static final int ASKS_MAX = 2_000;

    private final ObjectMapper json = new ObjectMapper();

    @TempDir
    private Path folder;

    /// A declaration is read before anything serves, its lock with it.
    @Test
    void doesNotBeginWithALockThatIsNone() throws IOException {
        declare(", {name: locked, recipe: int4, lock: broken.lock}");
        Files.writeString(folder.resolve("broken.lock"), "{\"version\": 1, \"source\": ");

        assertThatThrownBy(() -> PackagedServer.start(environment()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("broken.lock:1:26: no lock");
    }

    @Test
    void tellsWhatIsWrongAndGoesOnServing() throws Exception {
        declare("");
        withNotANumber().write(folder.resolve("nan.gguf"));
        adapterOfAnotherBase().write(folder.resolve("other.gguf"));

        try (PackagedServer server = PackagedServer.start(environment())) {
            String answer = answer(server);
            assertThat(answer).contains("Oslo");

            HttpResponse<String> misspelt = load(server, "a", "demo", "{\"quantise\": \"int4\"}");
            assertThat(misspelt.statusCode()).isEqualTo(400);
            assertThat(misspelt.body()).contains("quantise").contains("quantize");
            stillSays(server, answer);

            HttpResponse<String> notANumber = load(server, "b", "nan.gguf", "\"int4\"");
            assertThat(notANumber.statusCode()).isBetween(400, 499);
            assertThat(notANumber.body()).contains("blk.1.ffn_down.weight").containsIgnoringCase("NaN");
            stillSays(server, answer);

            assertThat(load(server, "c", "demo", COLLAPSING).statusCode()).isEqualTo(201);
            assertThat(awaitMeasured(server, "c").path("state").asText()).isEqualTo("quarantined");
            assertThat(chat(server, "c")).contains("same_top");
            stillSays(server, answer);

            HttpResponse<String> adapter =
                    server.post("/v1/load_lora_adapter", "{\"lora_name\":\"x\",\"lora_path\":\"other.gguf\"}");
            assertThat(adapter.statusCode()).isBetween(400, 499);
            assertThat(adapter.body()).contains("other.gguf").contains("blk.0.attn_q");
            stillSays(server, answer);
        }
    }

    private void declare(String more) throws IOException {
        Files.writeString(folder.resolve("trimtab.yaml"), """
                models:
                  - name: demo
                    source: embedded:demo
                    variants: [{name: demo-int8, recipe: int8}%s]
                """.formatted(more));
    }

    private Map<String, String> environment() {
        return Map.of(
                "TRIMTAB_FILE", folder.resolve("trimtab.yaml").toString(),
                "TRIMTAB_MODELS_ROOT", folder.toString(),
                "TRIMTAB_CACHE", folder.resolve("cache").toString(),
                "TRIMTAB_MEASURE", "background");
    }

    private HttpResponse<String> load(PackagedServer server, String name, String model, String recipe)
            throws IOException, InterruptedException {
        return server.post(
                "/admin/variants",
                "{\"name\":\"" + name + "\",\"model\":\"" + model + "\",\"wait\":true,\"recipe\":" + recipe + "}");
    }

    private void stillSays(PackagedServer server, String answer) throws IOException, InterruptedException {
        assertThat(answer(server)).isEqualTo(answer);
    }

    private String answer(PackagedServer server) throws IOException, InterruptedException {
        HttpResponse<String> response = server.post("/v1/chat/completions", QUESTION);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json.readTree(response.body()).at("/choices/0/message/content").asText();
    }

    /// What a client is told that names a variant which does not serve.
    private String chat(PackagedServer server, String model) throws IOException, InterruptedException {
        HttpResponse<String> response =
                server.post("/v1/chat/completions", QUESTION.replace("\"demo\"", "\"" + model + "\""));
        assertThat(response.statusCode()).isBetween(400, 599);
        return json.readTree(response.body()).at("/error/message").asText();
    }

    private JsonNode awaitMeasured(PackagedServer server, String name) throws IOException, InterruptedException {
        JsonNode variant = json.readTree(server.get("/admin/variants/" + name).body());
        for (int i = 0; i < ASKS_MAX && variant.path("measurement").isNull(); i++) {
            variant = json.readTree(server.get("/admin/variants/" + name).body());
        }
        return variant;
    }

    private static GgufWriter withNotANumber() {
        GgufWriter writer = new GgufWriter();
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            demo.metadata().values().forEach(writer::put);
            demo.tensors().values().forEach(tensor -> writer.tensor(spoilt(tensor)));
        }
        return writer;
    }

    private static Tensor spoilt(Tensor tensor) {
        byte[] bytes = tensor.data().toArray(ValueLayout.JAVA_BYTE);
        if (tensor.name().equals("blk.1.ffn_down.weight")) {
            bytes[2 * 77 + 1] = 0x7e;
        }
        return new Tensor(tensor.name(), tensor.encoding(), tensor.shape(), MemorySegment.ofArray(bytes));
    }

    /// Of a model twice as wide.
    private static GgufWriter adapterOfAnotherBase() {
        return new GgufWriter()
                .text("general.type", "adapter")
                .text("general.architecture", "llama")
                .text("adapter.type", "lora")
                .float32("adapter.lora.alpha", 8)
                .tensor(zeros("blk.0.attn_q.weight.lora_a", 4, 512))
                .tensor(zeros("blk.0.attn_q.weight.lora_b", 512, 4));
    }

    private static Tensor zeros(String name, int rows, int columns) {
        MemorySegment data = MemorySegment.ofArray(new byte[Float.BYTES * rows * columns]);
        return new Tensor(name, Encoding.F32, Shape.of(rows, columns), data);
    }
}
