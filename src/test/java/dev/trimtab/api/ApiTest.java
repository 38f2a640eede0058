package dev.trimtab.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.api.http.ApiListener;
import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.api.http.Endpoint;
import dev.trimtab.api.http.JsonReader;
import dev.trimtab.api.http.Surroundings;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.adapter.AdapterDirectory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ApiTest {
    @Test
    void listsAndShowsModelsWithTheirFacts() throws Exception {
        String model = "{\"id\":\"demo\",\"object\":\"model\",\"created\":1699999999,\"owned_by\":\"trimtab\","
                + "\"max_model_len\":4096,\"trimtab\":{\"encoding\":\"F32\",\"state\":\"unmeasured\"}}";

        try (BareServer server = BareServer.start()) {
            assertThat(get(server, "/v1/models").body()).isEqualTo("{\"object\":\"list\",\"data\":[" + model + "]}");
            assertThat(get(server, "/v1/models/demo").body()).isEqualTo(model);
            assertThat(get(server, "/v1/models/other").status()).isEqualTo(404);
        }
    }

    @Test
    void showsWhatMeasuringAModelFound() throws Exception {
        try (BareServer server = BareServer.start()) {
            Map<String, Object> figures = Map.of("kld_mean", 0.01, "kld_max", 2.0);
            server.registry()
                    .measured(
                            "demo",
                            new Measured(OptionalDouble.of(0.97), OptionalDouble.of(120), Optional.empty(), figures));

            assertThat(get(server, "/v1/models/demo").body())
                    .contains("\"state\":\"ready\",\"measured\":{\"quality\":0.97,\"kld_mean\":0.01}}");
        }
    }

    @ParameterizedTest
    @CsvSource({"/v1/models/org/name", "/v1/models/org%2Fname"})
    void findsModelsWhoseNamesHaveSlashes(String path) throws Exception {
        try (BareServer server = BareServer.start()) {
            server.registry().add(new FakeVariant("org/name"));

            assertThat(get(server, path).body()).contains("\"id\":\"org/name\"");
        }
    }

    @Test
    void isReadyWhileAModelIsServedAndStartedFromThenOn() throws Exception {
        try (BareServer server = BareServer.start()) {
            assertThat(get(server, "/health/live").body()).isEqualTo("{\"status\":\"UP\"}");
            assertThat(get(server, "/health/started").status()).isEqualTo(200);
            assertThat(get(server, "/health/ready").status()).isEqualTo(200);

            server.registry().remove("demo");

            assertThat(get(server, "/health/live").status()).isEqualTo(200);
            assertThat(get(server, "/health/started").status()).isEqualTo(200);
            assertThat(get(server, "/health/ready").status()).isEqualTo(503);
        }
    }

    @Test
    void showsTheMetricsPage() throws Exception {
        try (BareServer server = BareServer.start(ApiOptions.DEFAULTS, () -> "a 1\n", ApiListener.NONE)) {
            RawClient.Answer answer = get(server, "/metrics");

            assertThat(answer.body()).isEqualTo("a 1\n");
            assertThat(answer.header("content-type")).startsWith("text/plain; version=0.0.4");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/v1/chat/completions,405,POST",
        "DELETE,/v1/models,405,GET",
        "POST,/v1/models/demo,405,GET",
        "GET,/v1/nothing,404,''",
        "POST,/,404,''"
    })
    void refusesUnknownPathsAndMethods(String method, String path, int status, String allow) throws Exception {
        try (BareServer server = BareServer.start()) {
            RawClient.Answer answer =
                    RawClient.exchange(server.port(), RawClient.get(path).replaceFirst("GET", method));

            assertThat(answer.status()).isEqualTo(status);
            assertThat(answer.header("allow")).isEqualTo(allow.toLowerCase(Locale.ROOT));
            assertThat(answer.body()).contains("\"type\":\"invalid_request_error\"");
            assertThat(server.nextReport().endpoint()).isNotEqualTo("/v1/nothing");
        }
    }

    @Test
    void keepsAUsableRequestIdAndReplacesOthers() throws Exception {
        try (BareServer server = BareServer.start()) {
            String usable = RawClient.get("/health/live", "Host: localhost", "X-Request-Id: abc-1.2:3");
            String other = RawClient.get("/health/live", "Host: localhost", "X-Request-Id: a b");

            assertThat(RawClient.exchange(server.port(), usable).header("x-request-id"))
                    .isEqualTo("abc-1.2:3");
            assertThat(RawClient.exchange(server.port(), other).header("x-request-id"))
                    .startsWith("req_");
        }
    }

    @Test
    void documentsEveryEndpoint() throws Exception {
        VariantRegistry registry = new VariantRegistry();
        Api api = new Api(
                registry,
                new AdapterDirectory(registry, ModelRoot.NONE),
                ApiOptions.DEFAULTS,
                ApiListener.NONE,
                Surroundings.system(() -> ""),
                Optional::empty);

        try (BareServer server = BareServer.start()) {
            Map<?, ?> document =
                    object(JsonReader.read(get(server, "/openapi.json").body()));
            Map<?, ?> paths = object(document.get("paths"));
            List<Object> operations = new ArrayList<>();

            assertThat(document.get("openapi")).isEqualTo("3.1.0");
            for (Endpoint endpoint : api.endpoints()) {
                Object operation = object(paths.get(endpoint.path()))
                        .get(endpoint.method().name().toLowerCase(Locale.ROOT));
                operations.add(object(operation).get("operationId"));
            }
            assertThat(operations).doesNotHaveDuplicates().hasSizeGreaterThan(10);
        }
    }

    @Test
    void documentsNothingItDoesNotDefine() throws Exception {
        try (BareServer server = BareServer.start()) {
            Object document = JsonReader.read(get(server, "/openapi.json").body());
            List<String> references = new ArrayList<>();
            collectReferences(document, references);

            assertThat(references).hasSizeGreaterThan(20);
            for (String reference : references) {
                Object target = document;
                for (String step : reference.substring(2).split("/", -1)) {
                    target = object(target).get(step);
                }
                assertThat(target).as(reference).isInstanceOf(Map.class);
            }
        }
    }

    private static void collectReferences(@Nullable Object node, List<String> references) {
        switch (node) {
            case Map<?, ?> map -> {
                if (map.get("$ref") instanceof String reference) {
                    references.add(reference);
                }
                map.values().forEach(value -> collectReferences(value, references));
            }
            case List<?> list -> list.forEach(value -> collectReferences(value, references));
            case null, default -> {}
        }
    }

    private static Map<?, ?> object(@Nullable Object node) {
        if (node instanceof Map<?, ?> map) {
            return map;
        }
        throw new AssertionError("an object expected, found " + node);
    }

    private static RawClient.Answer get(BareServer server, String path) throws Exception {
        return RawClient.exchange(server.port(), RawClient.get(path));
    }
}
