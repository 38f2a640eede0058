package dev.trimtab.app;

import dev.trimtab.api.Api;
import dev.trimtab.api.http.Surroundings;
import dev.trimtab.cli.ProgressBar;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.telemetry.Telemetry;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.adapter.AdapterDirectory;
import dev.trimtab.variant.life.VariantAdministration;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.quarkus.logging.Log;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.ext.web.Router;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Optional;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/// The gateway's life inside Quarkus: routes at once, so that health answers while models load; models on a
/// thread of their own; everything let go on the way out.
@ApplicationScoped
public class Server {
    private final TrimtabConfig config;
    private final PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final String host;
    private final VariantRegistry registry = new VariantRegistry();
    private final Telemetry telemetry = new Telemetry(meters);
    private volatile @Nullable VariantAdministration administration;
    private @Nullable Serving serving;

    Server(TrimtabConfig config, @ConfigProperty(name = "quarkus.http.host") String host) {
        this.config = config;
        this.host = host;
    }

    void mount(@Observes Router router) {
        Surroundings surroundings = Surroundings.system(meters::scrape);
        new Api(
                        registry,
                        new AdapterDirectory(registry, config.modelRoot()),
                        config.api(host),
                        telemetry.api(),
                        surroundings,
                        this::administration)
                .mount(router);
    }

    void start(@Observes StartupEvent event) {
        Thread.ofPlatform().name("trimtab-load").start(this::load);
    }

    void stop(@Observes ShutdownEvent event) {
        synchronized (this) {
            if (serving != null) {
                serving.close();
            }
        }
    }

    /// A model that cannot be served is the operator's to mend: one line, and an exit code.
    private void load() {
        try {
            ServingOptions options = config.serving();
            System.out.println(new Greeting(serve(options), options, address()));
        } catch (TrimtabException refused) {
            System.err.println("trimtab: " + refused.getMessage());
            Quarkus.asyncExit(1);
        } catch (RuntimeException | Error fault) {
            Log.error("the models could not be loaded", fault);
            Quarkus.asyncExit(1);
        }
    }

    private synchronized Serving serve(ServingOptions options) {
        Serving started;
        try (ProgressBar progress = new ProgressBar("loading")) {
            started = Serving.start(
                    options,
                    registry,
                    new Serving.Listeners(
                            telemetry::engine,
                            telemetry.lifecycle(registry),
                            begun -> administration = begun,
                            progress::parts));
        }
        serving = started;
        MemoryPlan plan = started.memoryPlan();
        VariantAdministration variants = started.administration();
        telemetry.watch(Telemetry.Memory.WEIGHTS, started::weightBytes);
        telemetry.watch(Telemetry.Memory.SCRATCH, () -> variants.budget().takenBytes() - variants.weightBytes());
        telemetry.watch(Telemetry.Memory.KV_CACHE, plan::kvBytes);
        return started;
    }

    /// Empty until it is known what the models take.
    private Optional<VariantAdministration> administration() {
        return Optional.ofNullable(administration);
    }

    /// Where the server listens; asked once it does, for the port may have been chosen by the system.
    private String address() {
        Config running = ConfigProvider.getConfig();
        return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + running.getValue("quarkus.http.port", Integer.class);
    }
}
