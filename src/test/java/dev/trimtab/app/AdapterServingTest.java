package dev.trimtab.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.trimtab.api.Api;
import dev.trimtab.api.http.ApiListener;
import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.api.http.Surroundings;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.FamilyModel;
import dev.trimtab.checkpoint.adapter.TestAdapters;
import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.adapter.AdapterDirectory;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Adapters over HTTP, on the embedded model with its engine.
class AdapterServingTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    /// Characters of an answer that roundings do not change here.
    private static final int WORDS = 12;

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client = HttpClient.newHttpClient();
    private Serving serving;
    private URI address;

    /// An answer's status and body.
    private record Answer(int status, JsonNode body) {
        String text() {
            return body.path("choices").path(0).path("text").asText();
        }

        String message() {
            return body.path("error").path("message").asText()
                    + body.path("detail").asText();
        }
    }

    @BeforeEach
    void start() throws IOException {
        Path root = Files.createDirectory(folder.resolve("root"));
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            TestAdapters.random(demo, 4, 1, TestAdapters.LAYERS).alpha(2).write(root.resolve("one.gguf"));
            TestAdapters.random(demo, 4, 2, TestAdapters.LAYERS).alpha(2).writeFolder(root.resolve("peft"), 32, "");
            TestAdapters.random(demo, 4, 3, TestAdapters.LAYERS).alpha(2).write(folder.resolve("outside.gguf"));
        }
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            TestAdapters.random(demo, 4, 1, name -> name.equals("blk.0.attn_q.weight"))
                    .with(FamilyModel.plain("blk.0.attn_q.weight.lora_a", new float[4 * 64], 4, 64))
                    .write(root.resolve("narrow.gguf"));
        }
        Files.write(root.resolve("corrupt.gguf"), new byte[] {'G', 'G', 'U', 'F', 3, 0, 0, 0, 1});
        Path file = Files.writeString(folder.resolve("trimtab.yaml"), """
                models:
                  - name: base
                    source: embedded:demo
                    adapters:
                      - {name: declared, path: root/one.gguf, scale: 0.5}
                  - name: merged
                    source: embedded:demo
                    adapters:
                      - {name: part, path: root/one.gguf, scale: 0.5, mode: merge}
                """);
        HubOptions hub = new HubOptions(URI.create("http://127.0.0.1:1"), Optional.empty(), folder, HubOptions.STALL);
        VariantRegistry registry = new VariantRegistry();
        serving = Serving.start(
                ServingOptions.of(ServingFile.read(file), hub), registry, _ -> EngineListener.NONE, LoadListener.NONE);
        Router router = Router.router(vertx);
        new Api(
                        registry,
                        new AdapterDirectory(registry, ModelRoot.of(root)),
                        ApiOptions.DEFAULTS,
                        ApiListener.NONE,
                        Surroundings.system(() -> ""),
                        Optional::empty)
                .mount(router);
        HttpServer server = vertx.createHttpServer(
                        Api.serverOptions().setHost("127.0.0.1").setPort(0))
                .requestHandler(router)
                .listen()
                .toCompletionStage()
                .toCompletableFuture()
                .join();
        address = URI.create("http://127.0.0.1:" + server.actualPort());
    }

    @AfterEach
    void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
        serving.close();
    }

    private Answer post(String path, String body) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(address.resolve(path))
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private Answer get(String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(address.resolve(path)));
    }

    private Answer send(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), JSON.readTree(response.body()));
    }

    private Answer complete(String model, String more) throws IOException, InterruptedException {
        return post("/v1/completions", """
                {"model": "%s", "prompt": "The capital of", "temperature": 0,
                 "max_tokens": 24, "ignore_eos": true%s}""".formatted(model, more));
    }

    private Answer load(String name, String path, String more) throws IOException, InterruptedException {
        return post("/v1/load_lora_adapter", """
                {"lora_name": "%s", "lora_path": "%s"%s}""".formatted(name, path, more));
    }

    @Test
    void servesADeclaredAdapterAsAModelAndByItsNumber() throws Exception {
        String plain = complete("base", "").text();

        Answer adapted = complete("declared", "");
        String byName = complete("base", ", \"lora\": [{\"id\": \"declared\", \"scale\": 0.5}]")
                .text();
        String byNumber =
                complete("base", ", \"lora\": [{\"id\": 0, \"scale\": 0.5}]").text();
        JsonNode model = get("/v1/models/declared").body();

        assertThat(adapted.status()).isEqualTo(200);
        assertThat(adapted.text()).isNotEqualTo(plain).isEqualTo(byName).isEqualTo(byNumber);
        assertThat(complete("base", ", \"lora\": [{\"id\": 0, \"scale\": 0}]").text())
                .isEqualTo(plain);
        assertThat(model.path("parent").asText()).isEqualTo("base");
        assertThat(model.path("root").asText()).isEqualTo("declared");
    }

    /// Rounded once more, so the first words are compared.
    @Test
    void aMergedAdapterAnswersAsTheLiveOne() throws Exception {
        String live = complete("declared", "").text();
        String merged = complete("merged", "").text();

        assertThat(live).hasSizeGreaterThan(WORDS);
        assertThat(merged).startsWith(live.substring(0, WORDS));
        assertThat(get("/v1/models/merged")
                        .body()
                        .path("trimtab")
                        .path("merged_adapters")
                        .path(0)
                        .asText())
                .isEqualTo("part");
        assertThat(complete("part", "").status()).isEqualTo(404);
    }

    @Test
    void loadsReplacesAndUnloadsWhileServing() throws Exception {
        Answer loaded = load("hot", "peft", "");
        assertThat(loaded.status()).isEqualTo(200);
        assertThat(loaded.body().path("parent").asText()).isEqualTo("base");
        assertThat(loaded.body().path("rank").asInt()).isEqualTo(4);
        assertThat(loaded.body().path("size_bytes").asLong()).isPositive();
        String first = complete("hot", "").text();
        assertThat(first).isNotEqualTo(complete("base", "").text());

        assertThat(load("hot", "one.gguf", "").status()).isEqualTo(409);
        assertThat(load("hot", "one.gguf", ", \"load_inplace\": true, \"scale\": 0.5")
                        .status())
                .isEqualTo(200);
        assertThat(complete("hot", "").text())
                .isEqualTo(complete("declared", "").text());
        assertThat(get("/v1/lora_adapters").body().path("data")).hasSize(2);

        assertThat(post("/v1/unload_lora_adapter", "{\"lora_name\": \"hot\"}").status())
                .isEqualTo(200);
        assertThat(complete("hot", "").status()).isEqualTo(404);
        assertThat(complete("base", ", \"lora\": [{\"id\": \"hot\"}]").status()).isEqualTo(404);
        assertThat(post("/v1/unload_lora_adapter", "{\"lora_name\": \"hot\"}").status())
                .isEqualTo(404);
        assertThat(get("/v1/lora_adapters").body().path("data")).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "new ; narrow.gguf ; 422 ; expected [256, 256] as in embedded:demo (llama), found [256, 64]",
                "new ; corrupt.gguf ; 422 ; corrupt.gguf",
                "new ; ../outside.gguf ; 403 ; leads out",
                "new ; none.gguf ; 404 ; no file",
                "base ; one.gguf ; 409 ; served already",
                "declared ; one.gguf ; 409 ; loaded already",
                "a b ; one.gguf ; 400 ; lora_name"
            })
    void refusesWithOneReasonAndServesOn(String name, String path, int status, String reason) throws Exception {
        Answer answer = load(name, path, "");

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.message()).contains(reason);
        assertThat(get("/v1/lora_adapters").body().path("data")).hasSize(1);
        assertThat(complete("declared", "").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "base ; [{\"id\": 9}] ; 404",
                "base ; [{\"id\": 0}, {\"id\": \"declared\"}] ; 400",
                "base ; [{\"id\": 0, \"scale\": 1e9}] ; 400",
                "base ; [{\"scale\": 1}] ; 400",
                "base ; [1, 2, 3, 4, 5, 6, 7, 8, 9] ; 400",
                "declared ; [{\"id\": 0}] ; 400"
            })
    void refusesWrongLoraFields(String model, String lora, int status) throws Exception {
        assertThat(complete(model, ", \"lora\": " + lora).status()).isEqualTo(status);
    }

    /// Loads and unloads under traffic: every answer is the adapter's, or says that there is none.
    @Test
    void noRequestIsLostWhileAnAdapterComesAndGoes() throws Exception {
        String adapted = complete("declared", "").text();
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<Answer>>> answers = new ArrayList<>();
            for (int caller = 0; caller < 4; caller++) {
                answers.add(callers.submit(() -> {
                    List<Answer> got = new ArrayList<>();
                    for (int i = 0; i < 20; i++) {
                        got.add(complete("coming", ""));
                    }
                    return got;
                }));
            }
            for (int cycle = 0; cycle < 20; cycle++) {
                assertThat(load("coming", "one.gguf", ", \"scale\": 0.5").status())
                        .isEqualTo(200);
                assertThat(post("/v1/unload_lora_adapter", "{\"lora_name\": \"coming\"}")
                                .status())
                        .isEqualTo(200);
            }
            for (Future<List<Answer>> future : answers) {
                assertThat(future.get()).allSatisfy(answer -> {
                    assertThat(answer.status()).isIn(200, 404);
                    if (answer.status() == 200) {
                        assertThat(answer.text()).isEqualTo(adapted);
                    }
                });
            }
        } catch (ExecutionException e) {
            throw new AssertionError("a caller failed", e);
        }
    }
}
