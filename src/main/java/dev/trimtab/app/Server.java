package dev.trimtab.app;

import dev.trimtab.engine.EngineListener;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.VariantRegistry;
import io.quarkus.logging.Log;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.ext.web.Router;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/// The gateway's life inside Quarkus: routes at once, so that health answers while models load; models on a
/// thread of their own; everything let go on the way out.
@ApplicationScoped
public class Server {
    private final TrimtabConfig config;
    private final String host;
    private final VariantRegistry registry = new VariantRegistry();
    private @Nullable Serving serving;

    Server(TrimtabConfig config, @ConfigProperty(name = "quarkus.http.host") String host) {
        this.config = config;
        this.host = host;
    }

    void mount(@Observes Router router) {
        Log.debugf("mounting on %s for %s", router, registry);
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
            synchronized (this) {
                serving = Serving.start(options, registry, _ -> EngineListener.NONE, LoadListener.NONE);
            }
            System.out.println(new Greeting(serving, options, host));
        } catch (TrimtabException refused) {
            System.err.println("trimtab: " + refused.getMessage());
            Quarkus.asyncExit(1);
        } catch (Throwable fault) {
            Log.error("the models could not be loaded", fault);
            Quarkus.asyncExit(1);
        }
    }
}
