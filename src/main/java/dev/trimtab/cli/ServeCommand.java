package dev.trimtab.cli;

import io.quarkus.runtime.Quarkus;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `trimtab serve`: the gateway. Its options are configuration properties by another name.
@Command(name = "serve", description = "Serves models over HTTP until stopped.", mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {
    @Option(
            names = "--model",
            paramLabel = "FILE|DIR|hf:ORG/NAME",
            description = "Checkpoint to serve; default: trimtab.yaml, else the demo model.")
    private @Nullable String model;

    @Option(names = "--name", description = "Id under which clients name it; default: the file's name.")
    private @Nullable String name;

    @Mixin
    private final RecipeOption recipe = new RecipeOption();

    @Option(names = "--host", description = "Address to bind; default: 127.0.0.1.")
    private @Nullable String host;

    @Option(
            names = {"-p", "--port"},
            description = "Port to bind; default: 8080.")
    private @Nullable Integer port;

    @Override
    public Integer call() {
        property("trimtab.model", model);
        property("trimtab.name", name);
        property("trimtab.recipe", recipe.word().orElse(null));
        property("trimtab.lock", recipe.lock().orElse(null));
        property("quarkus.http.host", host);
        property("quarkus.http.port", port);
        Quarkus.run();
        return 0;
    }

    private static void property(String key, @Nullable Object value) {
        if (value != null) {
            System.setProperty(key, value.toString());
        }
    }
}
