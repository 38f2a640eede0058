package dev.trimtab.api;

import dev.trimtab.api.admin.AdminEndpoints;
import dev.trimtab.api.admin.AdminSchemas;
import dev.trimtab.api.http.ApiListener;
import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.api.http.Dispatcher;
import dev.trimtab.api.http.Endpoint;
import dev.trimtab.api.http.Endpoint.Access;
import dev.trimtab.api.http.Endpoint.Operation;
import dev.trimtab.api.http.Endpoint.Work;
import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.api.http.OpenApiDocument;
import dev.trimtab.api.http.Schemas;
import dev.trimtab.api.http.Surroundings;
import dev.trimtab.api.lora.LoraEndpoints;
import dev.trimtab.api.lora.LoraSchemas;
import dev.trimtab.api.openai.OpenAiEndpoints;
import dev.trimtab.api.openai.OpenAiSchemas;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.adapter.AdapterDirectory;
import dev.trimtab.variant.life.VariantAdministration;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// The whole HTTP edge, put together: every endpoint in one table, on any Vert.x router.
public final class Api {
    private final VariantRegistry registry;
    private final Surroundings surroundings;
    private final List<Endpoint> endpoints = new ArrayList<>();
    private final Buffer openApi;
    private final Dispatcher dispatcher;
    private volatile boolean started;

    /// `directory` is of what `registry` serves; `administration` is empty until the process knows what its models
    /// take.
    public Api(
            VariantRegistry registry,
            AdapterDirectory directory,
            ApiOptions options,
            ApiListener listener,
            Surroundings surroundings,
            Supplier<Optional<VariantAdministration>> administration) {
        this.registry = registry;
        this.surroundings = surroundings;
        endpoints.addAll(new OpenAiEndpoints(directory, options.limits()).list());
        endpoints.addAll(new AdminEndpoints(administration).list());
        endpoints.addAll(new LoraEndpoints(directory).list());
        endpoints.add(probe("live", "Whether the process runs.", this::live));
        endpoints.add(probe("ready", "Whether all declared models are served.", this::ready));
        endpoints.add(probe("started", "Whether they have all been served since the start.", this::started));
        endpoints.add(new Endpoint(
                HttpMethod.GET,
                "/metrics",
                Access.OPEN,
                Work.WORKER,
                new Operation("metrics", "Metrics for Prometheus.", "", Map.of("text/plain", "Metrics")),
                this::metrics));
        endpoints.add(new Endpoint(
                HttpMethod.GET,
                "/openapi.json",
                Access.OPEN,
                Work.LOOP,
                Operation.get("openapi", "This document.", "OpenApi"),
                this::openApi));
        this.openApi = JsonWriter.write(OpenApiDocument.of(endpoints, schemas()));
        this.dispatcher = new Dispatcher(endpoints, options, listener, surroundings);
    }

    /// What the HTTP server itself should limit: a request line and headers no client of ours exceeds, and
    /// connections on which nothing moves (streams send something every few seconds).
    public static HttpServerOptions serverOptions() {
        return new HttpServerOptions()
                .setMaxInitialLineLength(8 << 10)
                .setMaxHeaderSize(16 << 10)
                .setIdleTimeout(300)
                .setIdleTimeoutUnit(TimeUnit.SECONDS);
    }

    /// Serves the table from `router`.
    public void mount(Router router) {
        dispatcher.mount(router);
    }

    /// The table.
    public List<Endpoint> endpoints() {
        return List.copyOf(endpoints);
    }

    private static Endpoint probe(String name, String summary, Endpoint.Handler handler) {
        Operation operation = Operation.get("health-" + name, summary, "Health");
        return new Endpoint(HttpMethod.GET, "/health/" + name, Access.OPEN, Work.LOOP, operation, handler);
    }

    private static Map<String, Map<String, Object>> schemas() {
        Map<String, Map<String, Object>> schemas = new LinkedHashMap<>(OpenAiSchemas.all());
        schemas.putAll(AdminSchemas.all());
        schemas.putAll(LoraSchemas.all());
        schemas.put("Health", Schemas.object("", Schemas.required("status", Schemas.word("", "UP", "DOWN"))));
        schemas.put("Metrics", Schemas.string("Prometheus' text format, 0.0.4."));
        schemas.put("OpenApi", Schemas.object("OpenAPI 3.1."));
        return schemas;
    }

    private void openApi(Exchange exchange, byte[] body) {
        exchange.send(200, openApi);
    }

    private void live(Exchange exchange, byte[] body) {
        sendHealth(exchange, true);
    }

    private void ready(Exchange exchange, byte[] body) {
        sendHealth(exchange, isReady());
    }

    private void started(Exchange exchange, byte[] body) {
        sendHealth(exchange, isReady() || started);
    }

    private boolean isReady() {
        boolean ready = registry.isReady();
        started |= ready;
        return ready;
    }

    private void metrics(Exchange exchange, byte[] body) {
        String page = surroundings.metricsPage().get();
        exchange.send(200, "text/plain; version=0.0.4; charset=utf-8", Buffer.buffer(page));
    }

    private static void sendHealth(Exchange exchange, boolean up) {
        exchange.send(up ? 200 : 503, JsonWriter.write(Map.of("status", up ? "UP" : "DOWN")));
    }
}
