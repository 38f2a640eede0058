package dev.trimtab.api.http;

import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TrimtabException;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/// Puts a table of endpoints on a router: gate, limits, body, then the endpoint's handler where its work
/// belongs.
public final class Dispatcher {
    private static final String OTHER = "other";
    private static final byte[] NO_BODY = {};
    private static final String PREFLIGHT_SECONDS = "600";

    private final List<Endpoint> endpoints;
    private final ApiOptions.Limits limits;
    private final Surroundings surroundings;
    private final Gate gate;
    private final AdminGate adminGate;
    private final BodyReader bodies;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final ApiListener listener;

    public Dispatcher(List<Endpoint> endpoints, ApiOptions options, ApiListener listener, Surroundings surroundings) {
        this.endpoints = List.copyOf(endpoints);
        this.limits = options.limits();
        this.surroundings = surroundings;
        this.gate = new Gate(options);
        this.adminGate = new AdminGate(options.adminKey());
        this.bodies = new BodyReader(options.limits());
        this.listener = new Counting(listener);
    }

    /// The gate goes before every route of `router`, whoever owns it; the answer to unknown paths after all.
    public void mount(Router router) {
        router.route().order(Integer.MIN_VALUE).handler(this::admit);
        Map<String, Map<HttpMethod, Endpoint>> paths = new LinkedHashMap<>();
        for (Endpoint endpoint : endpoints) {
            paths.computeIfAbsent(endpoint.path(), _ -> new LinkedHashMap<>()).put(endpoint.method(), endpoint);
        }
        paths.forEach((path, methods) -> route(router, path).handler(routing -> dispatch(routing, methods)));
        router.route().order(Integer.MAX_VALUE).handler(this::unknown);
    }

    /// Requests being answered now.
    public int inFlight() {
        return inFlight.get();
    }

    private static Route route(Router router, String path) {
        int parameter = path.indexOf("/{");
        return router.route(parameter < 0 ? path : path.substring(0, parameter) + "/*");
    }

    private void admit(RoutingContext routing) {
        try {
            gate.check(routing.request());
        } catch (TrimtabException e) {
            exchange(routing, OTHER).fail(e);
            return;
        }
        HttpServerResponse response = routing.response();
        gate.crossOrigin(routing.request())
                .ifPresent(origin -> response.putHeader("access-control-allow-origin", origin)
                        .putHeader("vary", "origin")
                        .putHeader(
                                "access-control-expose-headers", "x-request-id, retry-after, x-trimtab-drop-reason"));
        boolean preflight = HttpMethod.OPTIONS.equals(routing.request().method())
                && response.headers().contains("access-control-allow-origin");
        if (preflight) {
            response.putHeader("access-control-allow-methods", "GET, POST, DELETE")
                    .putHeader("access-control-allow-headers", "authorization, content-type, x-request-id")
                    .putHeader("access-control-max-age", PREFLIGHT_SECONDS)
                    .setStatusCode(204)
                    .end();
        } else {
            routing.next();
        }
    }

    private void unknown(RoutingContext routing) {
        exchange(routing, OTHER)
                .send(Failure.unknownPath(
                        routing.request().method().name(), routing.request().path()));
    }

    private void dispatch(RoutingContext routing, Map<HttpMethod, Endpoint> methods) {
        HttpMethod method = routing.request().method();
        Endpoint endpoint = methods.get(method.equals(HttpMethod.HEAD) ? HttpMethod.GET : method);
        String path = methods.values().iterator().next().path();
        Exchange exchange = exchange(routing, path);
        if (endpoint == null) {
            String allow = methods.keySet().stream().map(HttpMethod::name).collect(Collectors.joining(", "));
            exchange.send(Failure.wrongMethod(method.name(), routing.request().path(), allow));
            return;
        }
        try {
            admit(routing, endpoint, exchange);
        } catch (TrimtabException e) {
            exchange.fail(e);
            return;
        }
        if (endpoint.hasBody()) {
            bodies.read(routing.request(), exchange, body -> run(endpoint, exchange, body));
        } else {
            run(endpoint, exchange, NO_BODY);
        }
    }

    private void admit(RoutingContext routing, Endpoint endpoint, Exchange exchange) {
        switch (endpoint.access()) {
            case OPEN -> {}
            case CALLER -> admitCaller(routing);
            case ADMIN -> admitAdmin(routing, endpoint, exchange);
        }
    }

    /// Whoever is refused is in the audit log, and whoever changes something. An operator is let in under load
    /// too.
    private void admitAdmin(RoutingContext routing, Endpoint endpoint, Exchange exchange) {
        String action = endpoint.operation().id();
        exchange.audit(action, "nobody");
        String actor = adminGate.admit(routing.request());
        exchange.audit(endpoint.method().equals(HttpMethod.GET) ? "" : action, actor);
    }

    private void admitCaller(RoutingContext routing) {
        gate.checkKey(routing.request());
        if (inFlight.get() > limits.requestsMax()) {
            throw new Overloaded(
                    Overloaded.Scope.SERVER,
                    "requests_full",
                    Duration.ofSeconds(1),
                    limits.requestsMax() + " requests are in flight already");
        }
    }

    private void run(Endpoint endpoint, Exchange exchange, byte[] body) {
        boolean onLoop = switch (endpoint.work()) {
            case LOOP -> true;
            case BY_BODY -> body.length <= limits.inlineBytesMax();
            case WORKER -> false;
        };
        if (onLoop) {
            handle(endpoint, exchange, body);
        } else {
            surroundings.workers().execute(() -> handle(endpoint, exchange, body));
        }
    }

    // Whatever a handler throws, the caller gets an answer and the log a line.
    @SuppressWarnings("CatchingUnchecked")
    private void handle(Endpoint endpoint, Exchange exchange, byte[] body) {
        try {
            endpoint.handler().handle(exchange, body);
        } catch (Exception | StackOverflowError | OutOfMemoryError e) {
            exchange.fail(e);
        } finally {
            bodies.release(body.length);
        }
    }

    private Exchange exchange(RoutingContext routing, String endpoint) {
        return new Exchange(routing, endpoint, listener, surroundings);
    }

    /// Counts what is in flight before telling the owner's listener.
    private final class Counting implements ApiListener {
        private final ApiListener next;

        Counting(ApiListener next) {
            this.next = next;
        }

        @Override
        public void started() {
            inFlight.incrementAndGet();
            next.started();
        }

        @Override
        public void finished(RequestReport report) {
            inFlight.decrementAndGet();
            next.finished(report);
        }
    }
}
