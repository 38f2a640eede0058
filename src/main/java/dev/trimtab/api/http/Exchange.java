package dev.trimtab.api.http;

import dev.trimtab.error.Internal;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.TrimtabException;
import io.netty.channel.ChannelFuture;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// One request being answered. Its answer is written on the request's event loop, whichever thread asks for
/// it, and at most once.
///
/// The setters of what the report says and everything that writes are for the event loop or go there
/// themselves.
public final class Exchange {
    private static final System.Logger LOG = System.getLogger(Exchange.class.getName());
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    private final RoutingContext routing;
    private final Context context;
    private final String endpoint;
    private final String requestId;
    private final ApiListener listener;
    private final Surroundings surroundings;
    private final long startNanos;

    private Runnable onGone = () -> {};
    private Optional<AuditLog.Entry> audited = Optional.empty();
    private boolean administrative;
    private String operation = "";
    private String model = "";
    private String dropReason = "";
    private int promptTokens;
    private int completionTokens;
    private boolean finished;

    Exchange(RoutingContext routing, String endpoint, ApiListener listener, Surroundings surroundings) {
        this.routing = routing;
        this.context = routing.vertx().getOrCreateContext();
        this.endpoint = endpoint;
        this.listener = listener;
        this.surroundings = surroundings;
        this.startNanos = surroundings.nanoClock().getAsLong();
        String given = routing.request().getHeader("x-request-id");
        this.requestId = given != null && REQUEST_ID.matcher(given).matches()
                ? given
                : "req_" + surroundings.ids().get();
        routing.response().putHeader("x-request-id", requestId);
        routing.addEndHandler(_ -> over());
        listener.started();
    }

    /// Names the request in logs and to its caller.
    public String requestId() {
        return requestId;
    }

    public Surroundings surroundings() {
        return surroundings;
    }

    public HttpServerResponse response() {
        return routing.response();
    }

    public Vertx vertx() {
        return routing.vertx();
    }

    /// What the last `{id}` of the endpoint's path stands for.
    public String pathTail() {
        return Optional.ofNullable(routing.pathParam("*")).orElse("");
    }

    /// Whether the query's `name` is set: `?name`, `?name=true`.
    ///
    /// @throws InvalidRequest when it is neither that nor `false`
    public boolean queryFlag(String name) {
        List<String> values = routing.queryParam(name);
        String value = values.isEmpty() ? "false" : values.getLast();
        return switch (value) {
            case "", "true" -> true;
            case "false" -> false;
            default -> throw InvalidRequest.param(name, name + ": true or false expected in the query");
        };
    }

    /// The other end of the connection; what headers say of it does not count.
    public String peer() {
        String address = routing.request().connection().remoteAddress().hostAddress();
        return address == null ? "local" : address;
    }

    /// From now on this is `actor`'s doing of `action`, and in the audit log at its end; unless `action` is
    /// empty.
    void audit(String action, String actor) {
        administrative = true;
        audited = Optional.of(action)
                .filter(present -> !present.isEmpty())
                .map(present -> new AuditLog.Entry(
                        requestId, actor, peer(), present, routing.request().path(), ""));
    }

    /// What an administrative request is about, for the audit log; the path where it is not said. Returns what
    /// the log will say, for what goes on when the request has been answered.
    public AuditLog.Entry target(String target) {
        AuditLog.Entry entry = audited.orElseThrow(() -> new Internal(endpoint + " is not administrative"));
        AuditLog.Entry named = entry.then(entry.action(), target, "");
        onLoop(() -> audited = Optional.of(named));
        return named;
    }

    /// Runs `task` on the request's event loop: now when called there, else soon.
    public void onLoop(Runnable task) {
        if (context.equals(Vertx.currentContext())) {
            task.run();
        } else {
            context.runOnContext(_ -> task.run());
        }
    }

    /// Runs `task` on the request's event loop, soon.
    public void later(Runnable task) {
        context.runOnContext(_ -> task.run());
    }

    /// `task` is run when the client goes away before the answer's end; at once when it has gone.
    public void onGone(Runnable task) {
        if (finished) {
            task.run();
        } else {
            onGone = task;
        }
    }

    /// For the report: what generates for whom.
    public void describe(String operation, String model) {
        onLoop(() -> {
            this.operation = operation;
            this.model = model;
        });
    }

    /// For the report: what it took.
    public void describe(int promptTokens, int completionTokens) {
        this.promptTokens = promptTokens;
        this.completionTokens = completionTokens;
    }

    /// Answers with JSON.
    public void send(int status, Buffer json) {
        send(status, Endpoint.Operation.JSON, json);
    }

    /// Answers with a body of type `mediaType`.
    public void send(int status, String mediaType, Buffer body) {
        onLoop(() -> {
            HttpServerResponse response = response();
            if (response.headWritten() || response.closed()) {
                return;
            }
            response.setStatusCode(status).putHeader("content-type", mediaType);
            response.end(body).onFailure(_ -> gone()); // without effect when the end was heard of
        });
    }

    /// Answers that it is done and there is nothing to say: 204.
    public void sendNothing() {
        onLoop(() -> {
            if (!response().headWritten() && !response().closed()) {
                response().setStatusCode(204).end().onFailure(_ -> gone());
            }
        });
    }

    /// Answers with the error that `error` is to the caller. A fault of ours is logged, with its trace.
    public void fail(TrimtabException error) {
        send(failure(error));
    }

    /// What the caller is told about `error`; logs what it is not told.
    public Failure failure(TrimtabException error) {
        Failure failure = administrative ? Failure.forOperator(error) : Failure.of(error);
        if (failure.status() >= 500 && error instanceof Internal) {
            LOG.log(System.Logger.Level.ERROR, requestId + " failed, endpoint=" + endpoint, error);
        } else {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    () -> requestId + " refused, endpoint=" + endpoint + " status=" + failure.status() + " message="
                            + failure.message());
        }
        return failure;
    }

    /// As [#fail(TrimtabException)], for anything thrown.
    public void fail(Throwable thrown) {
        fail(thrown instanceof TrimtabException known ? known : new Internal("unexpected " + thrown, thrown));
    }

    /// Answers with `failure` in the dialect of the path.
    public void send(Failure failure) {
        onLoop(() -> {
            if (response().headWritten() || response().closed()) {
                return;
            }
            dropReason = failure.headers().getOrDefault("x-trimtab-drop-reason", "");
            failure.headers().forEach(response()::putHeader);
            String path = routing.request().path();
            Dialect dialect = Dialect.of(path);
            send(failure.status(), dialect.mediaType(), dialect.body(failure, path));
        });
    }

    /// Ends the connection (or HTTP/2 stream) at once, without an end of the answer and without waiting for
    /// what the client has not read.
    public void cut() {
        gone();
        if (routing.request().version() == HttpVersion.HTTP_2) {
            response().reset();
        } else if (routing.request().connection() instanceof ConnectionBase connection) {
            // Vert.x would flush before it closes, which never ends while the client does not read.
            ChannelFuture _ = connection.channel().close();
        }
    }

    private void over() {
        if (response().ended()) {
            finish(response().getStatusCode());
        } else {
            gone();
        }
    }

    private void gone() {
        if (!finished) {
            finish(RequestReport.CLIENT_GONE);
            onGone.run();
        }
    }

    private void finish(int status) {
        if (finished) {
            return;
        }
        finished = true;
        long durationNanos = surroundings.nanoClock().getAsLong() - startNanos;
        audited.ifPresent(entry -> surroundings
                .audit()
                .write(
                        entry.then(entry.action(), entry.target(), Integer.toString(status)),
                        Duration.ofNanos(durationNanos)));
        listener.finished(new RequestReport(
                endpoint,
                status,
                present(operation),
                present(model),
                present(dropReason),
                promptTokens,
                completionTokens,
                durationNanos));
    }

    private static Optional<String> present(String text) {
        return Optional.of(text).filter(present -> !present.isEmpty());
    }
}
