package dev.trimtab.api.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.BareServer;
import dev.trimtab.api.RawClient;
import dev.trimtab.api.http.AdminKey;
import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.api.http.JsonReader;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Unsupported;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.life.FakeFactory;
import dev.trimtab.variant.life.LifecycleListener;
import dev.trimtab.variant.life.MemoryBudget;
import dev.trimtab.variant.life.VariantAdministration;
import dev.trimtab.variant.life.VariantCatalog;
import dev.trimtab.variant.life.VariantLifecycle;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `/admin/variants` over HTTP, with fakes behind it. The server serves one variant of its own, `demo`.
@Timeout(60)
final class VariantEndpointsTest {
    private static final String PATH = "/admin/variants";
    private static final long GIGABYTE = 1_000_000_000;

    @TempDir
    private Path folder;

    private final FakeFactory factory = new FakeFactory();
    private BareServer server;
    private VariantLifecycle lifecycle;

    @BeforeEach
    void start() {
        server = BareServer.start();
        MemoryPlan plan = new MemoryPlan(1_000, 0, 0, 64, 4);
        MemoryBudget budget = new MemoryBudget(2 * FakeFactory.BYTES, plan, () -> Long.MAX_VALUE);
        VariantLifecycle.Options options = new VariantLifecycle.Options(1, 8, Duration.ofMillis(50));
        lifecycle = new VariantLifecycle(server.registry(), factory, budget, options, LifecycleListener.NONE);
        VariantCatalog catalog = new VariantCatalog(
                List.of(new ModelDeclaration("declared", new ModelSource.Embedded())), ModelRoot.of(folder));
        server.administer(new VariantAdministration(server.registry(), lifecycle, factory, catalog, () -> 50));
    }

    @AfterEach
    void stop() {
        lifecycle.close();
        server.close();
    }

    @Test
    void loadsAVariantThatServesAndSaysWhereItIs() throws Exception {
        RawClient.Answer answer = post(PATH, body("a", ",\"recipe\":\"int4\",\"wait\":true"));

        assertThat(answer.status()).isEqualTo(201);
        assertThat(answer.header("location")).isEqualTo("/admin/variants/a");
        assertThat(json(answer))
                .containsEntry("name", "a")
                .containsEntry("model", "declared")
                .containsEntry("state", "unmeasured")
                .containsEntry("memory_bytes", FakeFactory.BYTES)
                .containsEntry("last_used", null)
                .containsEntry("measurement", null);
        assertThat(chat("a").status()).isEqualTo(200);
        assertThat(json(get(PATH + "/a")).get("last_used")).isNotNull();
        assertThat(server.nextAudit()).contains("\"action\":\"variantLoaded\"").contains("\"outcome\":\"done\"");
        assertThat(server.nextAudit())
                .contains("\"action\":\"loadVariant\"")
                .contains("\"target\":\"a\"")
                .contains("\"outcome\":\"201\"");
    }

    @Test
    void answersAtOnceAndShowsTheProgress() throws Exception {
        CompletableFuture<Void> go = new CompletableFuture<>();
        CompletableFuture<Void> begun = new CompletableFuture<>();
        factory.during(() -> {
            begun.complete(null);
            go.join();
        });

        RawClient.Answer answer = post(PATH, body("a", ""));
        begun.join();

        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.header("location")).isEqualTo("/admin/variants/a");
        assertThat(json(get(PATH + "/a"))).containsEntry("state", "loading").containsEntry("progress", 0.5);
        RawClient.Answer early = chat("a");
        assertThat(early.status()).isEqualTo(503);
        assertThat(early.header("retry-after")).isNotEmpty();
        assertThat(early.header("x-trimtab-drop-reason")).isEqualTo("loading");
        assertThat(post(PATH, body("a", "")).status()).isEqualTo(409);
        assertThat(delete(PATH + "/a").status()).isEqualTo(409);
        assertThat(post(PATH, body("b", "")).status()).isEqualTo(202);
        RawClient.Answer full = post(PATH, body("c", ""));
        assertThat(full.status()).isEqualTo(503);
        assertThat(full.body()).contains("at most 1 loads may wait").contains("urn:trimtab:problem:overloaded");
        go.complete(null);
    }

    @Test
    void listsAllOfThemAndTheMemory() throws Exception {
        post(PATH, body("org/name", ",\"wait\":true,\"pin\":true"));
        server.registry()
                .measured(
                        "org/name",
                        new Measured(
                                OptionalDouble.of(0.97), OptionalDouble.of(120), Optional.empty(), Map.of("kl", 0.01)));

        Map<?, ?> list = json(get(PATH));
        Map<?, ?> one = json(get(PATH + "/org/name"));

        assertThat(list.get("data"))
                .asInstanceOf(InstanceOfAssertFactories.list(Object.class))
                .hasSize(2)
                .contains(one);
        assertThat(list.get("memory")).isEqualTo(Map.of("taken_bytes", FakeFactory.BYTES, "total_bytes", 200L));
        assertThat(one.get("state")).isEqualTo("ready");
        assertThat(one.get("pinned")).isEqualTo(true);
        assertThat(one.get("measurement"))
                .isEqualTo(json("{\"quality\":0.97,\"decode_tokens_per_second\":120.0,\"missed_gate\":null,"
                        + "\"figures\":{\"kl\":0.01}}"));
        assertThat(one.get("weight_bytes")).isEqualTo(Map.of("own", 0L, "shared", 0L));
    }

    @Test
    void predictsWithoutLoading() throws Exception {
        factory.demanding(demand -> new MemoryPlan.Demand(demand.name(), GIGABYTE, 7, 1, 4, 8));

        Map<?, ?> prediction = json(post(PATH + "?dry_run=true", body("a", ",\"recipe\":\"int4\"")));

        assertThat(prediction.get("fits")).isEqualTo(false);
        assertThat((String) prediction.get("reason")).contains("`a` needs 953.7 MiB");
        assertThat(prediction.get("weight_bytes")).isEqualTo(GIGABYTE);
        assertThat(prediction.get("scratch_bytes")).isEqualTo(7L);
        assertThat((Map<?, ?>) prediction.get("decode_tokens_per_second"))
                .extracting("value")
                .isEqualTo(50.0);
        assertThat(prediction.get("quality"))
                .isEqualTo(json("{\"value\":null,\"basis\":\"no variant of this model and recipe has been measured by"
                        + " this process\"}"));
        assertThat(factory.events()).isEmpty();
        assertThat(get(PATH + "/a").status()).isEqualTo(404);
    }

    @Test
    void predictsFromWhatWasMeasured() throws Exception {
        post(PATH, body("a", ",\"recipe\":\"int4\",\"wait\":true"));
        server.registry()
                .measured(
                        "a",
                        new Measured(OptionalDouble.of(0.9), OptionalDouble.of(1_000), Optional.empty(), Map.of()));

        Map<?, ?> alike = json(post(PATH + "?dry_run", body("b", ",\"recipe\":\"int4\"")));
        Map<?, ?> other = json(post(PATH + "?dry_run", body("b", ",\"recipe\":\"int8\"")));

        assertThat((Map<?, ?>) alike.get("quality")).extracting("value").isEqualTo(0.9);
        assertThat((Map<?, ?>) other.get("quality")).extracting("value").isNull();
        assertThat(alike.get("evicts")).isEqualTo(List.of());
        assertThat(alike.get("fits")).isEqualTo(true);
    }

    @Test
    void unloadsAndTellsCallersWhy() throws Exception {
        post(PATH, body("a", ",\"wait\":true"));

        RawClient.Answer gone = delete(PATH + "/a?wait=true");

        assertThat(gone.status()).isEqualTo(204);
        assertThat(gone.body()).isEmpty();
        assertThat(factory.held()).isEmpty();
        RawClient.Answer late = chat("a");
        assertThat(late.status()).isEqualTo(404);
        assertThat(late.body()).contains("model_not_found").contains("does not exist");
        assertThat(delete(PATH + "/a").status()).isEqualTo(404);
    }

    @Test
    void drainsInTheBackgroundAndRefusesMeanwhile() throws Exception {
        post(PATH, body("a", ",\"wait\":true"));
        factory.held("a").running(1);

        RawClient.Answer begun = delete(PATH + "/a");

        assertThat(begun.status()).isEqualTo(202);
        assertThat(json(begun)).containsEntry("state", "draining");
        assertThat(chat("a").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"model\":\"declared\"}|400|name",
                "{\"name\":\"a\"}|400|model",
                "{\"name\":7,\"model\":\"declared\"}|400|name",
                "{\"name\":\"a b\",\"model\":\"declared\"}|400|name",
                "{\"name\":\"a\",\"model\":\"declared\",\"recipe\":7}|400|recipe",
                "{\"name\":\"a\",\"model\":\"declared\",\"recipe\":\"int99\"}|400|int99",
                "{\"name\":\"a\",\"model\":\"declared\",\"recipe\":{\"quantise\":[]}}|400|quantise",
                "{\"name\":\"a\",\"model\":\"declared\",\"pin\":1}|400|pin",
                "{\"name\":\"a\",\"model\":\"declared\",\"nmae\":1}|400|nmae",
                "{\"name\":\"a\",\"model\":\"absent.gguf\"}|404|absent.gguf",
                "{\"name\":\"a\",\"model\":\"../../etc/passwd\"}|403|leads out",
                "{\"name\":\"demo\",\"model\":\"declared\"}|409|taken",
                "[]|400|object",
                "{|400|JSON"
            })
    void refusesWithAProblemThatSaysWhatIsWrong(String body, int status, String detail) throws Exception {
        RawClient.Answer answer = post(PATH, body);

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
        assertThat(json(answer))
                .containsEntry("status", (long) status)
                .containsEntry("instance", PATH)
                .containsKeys("type", "title", "code");
        assertThat((String) json(answer).get("detail")).contains(detail);
        assertThat(factory.events()).isEmpty();
    }

    @Test
    void tellsWhyALoadFailedToWhoWaitsAndToWhoAsksLater() throws Exception {
        factory.during(() -> {
            throw new BadCheckpoint("a.gguf: bad magic");
        });

        RawClient.Answer answer = post(PATH, body("a", ",\"wait\":true"));

        assertThat(answer.status()).isEqualTo(422);
        assertThat(json(answer)).containsEntry("detail", "a.gguf: bad magic");
        assertThat(json(get(PATH + "/a")))
                .containsEntry("state", "failed")
                .containsEntry("reason", "a.gguf: bad magic");
        assertThat(chat("a").status()).isEqualTo(404);
        assertThat(chat("demo").status()).isEqualTo(200);
        assertThat(server.nextAudit()).contains("failed: a.gguf: bad magic");
        assertThat(delete(PATH + "/a?wait").status()).isEqualTo(204);
        assertThat(get(PATH + "/a").status()).isEqualTo(404);
    }

    @Test
    void tellsOperatorsWhatCannotBeDone() throws Exception {
        factory.during(() -> {
            throw new Unsupported("family `foo`");
        });
        assertThat(post(PATH, body("a", ",\"wait\":true")).status()).isEqualTo(501);

        factory.during(() -> {
            throw new BadConfiguration("the recipe means no tensor");
        });
        RawClient.Answer answer = post(PATH, body("b", ",\"wait\":true"));
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.body()).contains("the recipe means no tensor");

        factory.during(() -> {
            throw new IllegalStateException("a secret of ours");
        });
        RawClient.Answer fault = post(PATH, body("c", ",\"wait\":true"));
        assertThat(fault.status()).isEqualTo(500);
        assertThat(fault.body()).doesNotContain("secret");
    }

    @Test
    void refusesWhatDoesNotFitWithTheNumbers() throws Exception {
        factory.demanding(demand -> new MemoryPlan.Demand(demand.name(), 300, 0, 1, 4, 8));

        RawClient.Answer answer = post(PATH, body("a", ",\"wait\":true"));

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.body()).contains("`a` needs 300 B").contains("0 B of 200 B taken");
    }

    @Test
    void limitsTheBody() throws Exception {
        assertThat(post(PATH, body("a", ",\"recipe\":\"" + "x".repeat(1 << 20) + "\""))
                        .status())
                .isEqualTo(413);
        assertThat(post(PATH, body("a", ",\"recipe\":\"" + "x".repeat(300 << 10) + "\""))
                        .status())
                .isEqualTo(413);
        assertThat(post(PATH + "?dry_run=maybe", body("a", "")).status()).isEqualTo(400);
    }

    @Test
    void everyRowNeedsTheKeyWhereThereIsOne() throws Exception {
        ApiOptions keyed = ApiOptions.DEFAULTS.with(AdminKey.of("0123456789abcdef"));

        try (BareServer guarded = BareServer.start(keyed)) {
            for (String request : List.of(
                    RawClient.get(PATH),
                    RawClient.get(PATH + "/demo"),
                    RawClient.get(PATH + "/demo").replaceFirst("GET", "DELETE"),
                    RawClient.post(PATH, body("a", "")))) {
                assertThat(RawClient.exchange(guarded.port(), request).status()).isEqualTo(401);
                assertThat(guarded.nextAudit()).contains("\"outcome\":\"401\"");
            }
            String authorized = RawClient.get(PATH, "Host: localhost", "Authorization: Bearer 0123456789abcdef");
            RawClient.Answer starting = RawClient.exchange(guarded.port(), authorized);
            assertThat(starting.status()).isEqualTo(503);
            assertThat(starting.body()).contains("planning its memory");
        }
    }

    private static String body(String name, String more) {
        return "{\"name\":\"" + name + "\",\"model\":\"declared\"" + more + "}";
    }

    private RawClient.Answer chat(String model) throws Exception {
        return RawClient.exchange(
                server.port(),
                RawClient.post(
                        "/v1/chat/completions",
                        "{\"model\":\"" + model + "\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"));
    }

    private RawClient.Answer post(String path, String body) throws Exception {
        return RawClient.exchange(server.port(), RawClient.post(path, body));
    }

    private RawClient.Answer get(String path) throws Exception {
        return RawClient.exchange(server.port(), RawClient.get(path));
    }

    private RawClient.Answer delete(String path) throws Exception {
        return RawClient.exchange(server.port(), RawClient.get(path).replaceFirst("GET", "DELETE"));
    }

    private static Map<String, Object> json(RawClient.Answer answer) {
        return json(answer.body());
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> json(String text) {
        return (Map<String, Object>) Objects.requireNonNull(JsonReader.read(text));
    }
}
