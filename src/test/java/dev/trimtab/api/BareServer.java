package dev.trimtab.api;

import dev.trimtab.api.http.ApiListener;
import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.api.http.AuditLog;
import dev.trimtab.api.http.RequestReport;
import dev.trimtab.api.http.Surroundings;
import dev.trimtab.error.Internal;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.adapter.AdapterDirectory;
import dev.trimtab.variant.life.VariantAdministration;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.net.URI;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The API on a Vert.x server of its own, over a [FakeVariant] named `demo`; time stands still and ids count
/// up.
public final class BareServer implements AutoCloseable {
    /// The time on the server's wall clock.
    public static final long EPOCH_SECONDS = 1_700_000_000;

    private final Vertx vertx = Vertx.vertx();
    private final FakeVariant variant = new FakeVariant("demo");
    private final VariantRegistry registry = new VariantRegistry();
    private final BlockingQueue<String> audit = new LinkedBlockingQueue<>();
    private final BlockingQueue<RequestReport> reports = new LinkedBlockingQueue<>();
    private final HttpServer server;
    private volatile @Nullable VariantAdministration administration;

    private BareServer(ApiOptions options, Supplier<String> metricsPage, ApiListener listener) {
        AtomicInteger ids = new AtomicInteger();
        Surroundings surroundings = new Surroundings(
                System::nanoTime,
                Clock.fixed(Instant.ofEpochSecond(EPOCH_SECONDS), ZoneOffset.UTC),
                () -> Integer.toString(ids.incrementAndGet()),
                Thread::startVirtualThread,
                metricsPage,
                new AuditLog(audit::add));
        Router router = Router.router(vertx);
        new Api(
                        registry,
                        new AdapterDirectory(registry, ModelRoot.NONE),
                        options,
                        new Keeping(listener),
                        surroundings,
                        () -> Optional.ofNullable(administration))
                .mount(router);
        registry.add(variant);
        server = await(
                vertx.createHttpServer(Api.serverOptions().setHost("127.0.0.1").setPort(0))
                        .requestHandler(router)
                        .listen());
    }

    public static BareServer start() {
        return start(ApiOptions.DEFAULTS);
    }

    public static BareServer start(ApiOptions options) {
        return start(options, () -> "", ApiListener.NONE);
    }

    /// With a metrics page and somebody to fill it.
    public static BareServer start(ApiOptions options, Supplier<String> metricsPage, ApiListener listener) {
        return new BareServer(options, metricsPage, listener);
    }

    public URI uri() {
        return URI.create("http://127.0.0.1:" + port());
    }

    public int port() {
        return server.actualPort();
    }

    public FakeVariant variant() {
        return variant;
    }

    public VariantRegistry registry() {
        return registry;
    }

    /// From now on variants are administered by `administration`.
    public void administer(VariantAdministration administration) {
        this.administration = administration;
    }

    /// The next line of the audit log, waited for.
    public String nextAudit() throws InterruptedException {
        String line = audit.poll(10, TimeUnit.SECONDS);
        if (line == null) {
            throw new AssertionError("nothing was audited within 10 s");
        }
        return line;
    }

    /// The next report of an answered request, waited for.
    public RequestReport nextReport() throws InterruptedException {
        RequestReport report = reports.poll(10, TimeUnit.SECONDS);
        if (report == null) {
            throw new AssertionError("no request was reported within 10 s");
        }
        return report;
    }

    /// The next sequence that was submitted, waited for.
    public FakeVariant.Submission nextSubmission() throws InterruptedException {
        FakeVariant.Submission submission = variant.submissions().poll(10, TimeUnit.SECONDS);
        if (submission == null) {
            throw new AssertionError("no sequence was submitted within 10 s");
        }
        return submission;
    }

    @Override
    public void close() {
        await(vertx.close());
    }

    private static <T> T await(Future<T> future) {
        try {
            return future.toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new Internal("Vert.x did not start or stop", e);
        }
    }

    /// Keeps every report for the test.
    private final class Keeping implements ApiListener {
        private final ApiListener next;

        Keeping(ApiListener next) {
            this.next = next;
        }

        @Override
        public void started() {
            next.started();
        }

        @Override
        public void finished(RequestReport report) {
            next.finished(report);
            reports.add(report);
        }
    }
}
