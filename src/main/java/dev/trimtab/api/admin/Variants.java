package dev.trimtab.api.admin;

import dev.trimtab.api.http.AuditLog;
import dev.trimtab.api.http.Exchange;
import dev.trimtab.api.http.Fields;
import dev.trimtab.api.http.Fields.Default;
import dev.trimtab.api.http.JsonWriter;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TooLarge;
import dev.trimtab.variant.VariantDeclaration.Pin;
import dev.trimtab.variant.life.Ticket;
import dev.trimtab.variant.life.VariantAdministration;
import dev.trimtab.variant.life.VariantReport;
import dev.trimtab.variant.life.VariantRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/// `/admin/variants`: which there are, load one, let one go.
final class Variants {
    static final String DRY_RUN = "dry_run";
    static final String WAIT = "wait";

    private static final Set<String> FIELDS = Set.of("name", "model", "recipe", "pin", WAIT);

    /// A name, a path and a recipe of the largest size, escaped.
    private static final int BODY_BYTES_MAX = 1 << 20;

    /// Shorter than any idle connection is kept (Quarkus: 120 s): what takes longer is answered as begun.
    private static final Duration WAIT_MAX = Duration.ofSeconds(100);

    private static final Duration RETRY_STARTING = Duration.ofSeconds(2);

    private final Supplier<Optional<VariantAdministration>> administration;

    Variants(Supplier<Optional<VariantAdministration>> administration) {
        this.administration = administration;
    }

    private VariantAdministration administration() {
        return administration
                .get()
                .orElseThrow(() -> new Overloaded(
                        Overloaded.Scope.SERVER,
                        "starting",
                        RETRY_STARTING,
                        "the process is still planning its memory"));
    }

    void list(Exchange exchange, byte[] body) {
        VariantAdministration administration = administration();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("data", administration.list().stream().map(VariantJson::of).toList());
        answer.put("memory", VariantJson.of(administration.budget()));
        exchange.send(200, JsonWriter.write(answer));
    }

    void get(Exchange exchange, byte[] body) {
        exchange.send(200, JsonWriter.write(VariantJson.of(administration().get(exchange.pathTail()))));
    }

    void load(Exchange exchange, byte[] body) {
        if (body.length > BODY_BYTES_MAX) {
            throw new TooLarge("the body: at most " + BODY_BYTES_MAX + " bytes expected, found " + body.length);
        }
        Fields fields = Fields.ofBody(body);
        AuditLog.Entry entry = exchange.target(fields.string("name"));
        VariantRequest request = request(fields);
        boolean wait = fields.flag(WAIT, Default.FALSE);
        if (exchange.queryFlag(DRY_RUN)) {
            exchange.send(200, JsonWriter.write(VariantJson.of(administration().predict(request))));
            return;
        }
        Ticket ticket = administration().load(request);
        follow(exchange, ticket, entry, "variantLoaded");
        boolean served = wait && ticket.await(WAIT_MAX);
        answer(exchange, served ? 201 : 202, administration().get(ticket.name()));
    }

    void unload(Exchange exchange, byte[] body) {
        String name = exchange.pathTail();
        AuditLog.Entry entry = exchange.target(name);
        boolean wait = exchange.queryFlag(WAIT);
        VariantReport report = administration().get(name);
        Ticket ticket = administration().unload(name);
        follow(exchange, ticket, entry, "variantUnloaded");
        if (wait && ticket.await(WAIT_MAX)) {
            exchange.sendNothing();
        } else {
            exchange.send(202, JsonWriter.write(VariantJson.of(report.draining())));
        }
    }

    private static VariantRequest request(Fields fields) {
        Set<String> unknown = new TreeSet<>(fields.values().keySet());
        unknown.removeAll(FIELDS);
        if (!unknown.isEmpty()) {
            String field = unknown.iterator().next();
            throw InvalidRequest.param(
                    field, "unknown field `" + field + "`; known here: " + String.join(", ", new TreeSet<>(FIELDS)));
        }
        return new VariantRequest(
                fields.string("name"),
                fields.string("model"),
                fields.find("recipe").map(recipe -> recipe(fields, recipe)),
                fields.flag("pin", Default.FALSE) ? Pin.PINNED : Pin.EVICTABLE);
    }

    private static String recipe(Fields fields, Object recipe) {
        return switch (recipe) {
            case String text -> text;
            case Map<?, ?> object -> JsonWriter.write(object).toString(StandardCharsets.UTF_8);
            default -> throw fields.wrong("recipe", "a scheme's name, YAML or an object");
        };
    }

    private static void answer(Exchange exchange, int status, VariantReport report) {
        exchange.onLoop(() -> exchange.response()
                .putHeader("location", "/admin/variants/" + report.slot().name()));
        exchange.send(status, JsonWriter.write(VariantJson.of(report)));
    }

    /// The log hears of the end too, whoever waits for it.
    private static void follow(Exchange exchange, Ticket ticket, AuditLog.Entry entry, String action) {
        AuditLog audit = exchange.surroundings().audit();
        long startNanos = exchange.surroundings().nanoClock().getAsLong();
        var _ = ticket.done().whenComplete((_, fault) -> {
            String outcome = fault == null ? "done" : "failed: " + fault.getMessage();
            long nanos = exchange.surroundings().nanoClock().getAsLong() - startNanos;
            audit.write(entry.then(action, ticket.name(), outcome), Duration.ofNanos(nanos));
        });
    }
}
