package dev.trimtab.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.NotFound;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.life.VariantLifecycle;
import dev.trimtab.variant.llamacpp.LlamaBackend;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Every knob's default and one full explicit example, so that neither changes by accident.
class TrimtabConfigTest {
    @TempDir
    private Path folder;

    @Test
    void defaultsAreTheseAndServeTheEmbeddedModel() {
        TrimtabConfig config =
                config(Map.of("trimtab.file", folder.resolve("none.yaml").toString()));

        ServingOptions serving = config.serving();

        assertThat(serving.models()).hasSize(1);
        assertThat(serving.models().getFirst().name()).isEqualTo("demo");
        assertThat(serving.models().getFirst().source()).hasToString("embedded:demo");
        assertThat(serving.models().getFirst().variants())
                .extracting(variant -> variant.name() + " " + variant.recipe().orElseThrow())
                .containsExactly("demo-f16 f16", "demo-int8 int8", "demo-int4 int4", "demo-slim slim");
        assertThat(serving.variants().engine()).isEqualTo(new EngineOptions(64, 512, 256));
        assertThat(EngineOptions.DEFAULT).isEqualTo(serving.variants().engine());
        assertThat(serving.variants().model()).isEqualTo(ModelLoader.Options.SERVING);
        assertThat(serving.threads()).isEqualTo(ComputePool.defaultThreads());
        assertThat(serving.variants().llamaCpp())
                .isEqualTo(new LlamaBackend.Options(Optional.empty(), ComputePool.defaultThreads()));
        assertThat(serving.kvCacheBytes()).isEmpty();
        assertThat(serving.hub().stall()).isEqualTo(HubOptions.STALL);
        assertThat(serving.hub().cache()).hasFileName("trimtab");
        ApiOptions api = config.api("127.0.0.1");
        assertThat(api.allowedHosts()).containsExactly("127.0.0.1");
        assertThat(api.allowedOrigins()).isEmpty();
        assertThat(api.apiKeys()).isEmpty();
        assertThat(api.adminKey()).isEmpty();
        assertThat(config.modelRoot()).isSameAs(ModelRoot.NONE);
        assertThat(serving.lifecycle())
                .isEqualTo(new ServingOptions.Lifecycle(
                        ModelRoot.NONE,
                        OptionalLong.empty(),
                        VariantLifecycle.Options.DEFAULTS,
                        ServingOptions.Measure.BACKGROUND));
    }

    @Test
    void aRecipeOrAModelIsServedAlone() {
        String none = folder.resolve("none.yaml").toString();

        ModelDeclaration recipe = config(Map.of("trimtab.file", none, "trimtab.recipe", "int4"))
                .serving()
                .models()
                .getFirst();
        ModelDeclaration model = config(Map.of("trimtab.file", none, "trimtab.model", "embedded:demo"))
                .serving()
                .models()
                .getFirst();

        ModelDeclaration locked = config(
                        Map.of("trimtab.file", none, "trimtab.recipe", "int4", "trimtab.lock", "int4.lock"))
                .serving()
                .models()
                .getFirst();

        assertThat(locked.variants().getFirst().lock()).hasValue(Path.of("int4.lock"));
        assertThat(recipe.variants()).hasSize(1);
        assertThat(recipe.variants().getFirst().recipe().orElseThrow()).hasToString("int4");
        assertThat(model.variants()).containsExactly(new VariantDeclaration("demo", Optional.empty()));
    }

    @Test
    void aLockWithoutARecipeIsRefused() {
        TrimtabConfig config =
                config(Map.of("trimtab.file", folder.resolve("none.yaml").toString(), "trimtab.lock", "int4.lock"));

        assertThatThrownBy(config::serving)
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("a lock without a recipe");
    }

    @Test
    void aRecipeBesideAFileOfModelsIsRefused() throws IOException {
        Path file = Files.writeString(folder.resolve("models.yaml"), "models: [{source: 'embedded:demo'}]");
        TrimtabConfig config = config(Map.of("trimtab.file", file.toString(), "trimtab.recipe", "int4"));

        assertThatThrownBy(config::serving)
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("a recipe goes with a model");
    }

    @Test
    void everyKnobCanBeSet() throws IOException {
        Path file = Files.writeString(folder.resolve("models.yaml"), """
                models:
                  - source: embedded:demo
                  - name: tiny
                    source: tiny.gguf
                    backend: llama.cpp
                """);
        TrimtabConfig config = config(Map.ofEntries(
                Map.entry("trimtab.file", file.toString()),
                Map.entry("trimtab.cache", "/tmp/models"),
                Map.entry("trimtab.measure", "off"),
                Map.entry("trimtab.engine.max-sequences", "8"),
                Map.entry("trimtab.engine.max-batched-tokens", "128"),
                Map.entry("trimtab.engine.max-waiting", "16"),
                Map.entry("trimtab.memory.kv-cache", "2G"),
                Map.entry("trimtab.compute.threads", "1"),
                Map.entry("trimtab.llama-cpp.library", "/opt/llama-4.2.0.jar"),
                Map.entry("trimtab.http.allowed-hosts", "gateway"),
                Map.entry("trimtab.http.allowed-origins", "https://chat.example.org"),
                Map.entry("trimtab.http.api-keys", "a,b"),
                Map.entry("trimtab.admin.key", "0123456789abcdef"),
                Map.entry("trimtab.admin.drain-timeout", "5s"),
                Map.entry("trimtab.admin.queue-max", "3"),
                Map.entry("trimtab.admin.variants-max", "9"),
                Map.entry("trimtab.memory.variants", "8G"),
                Map.entry("trimtab.models.root", folder.toString()),
                Map.entry("trimtab.hub.url", "https://hub.example.org/mirror/"),
                Map.entry("trimtab.hub.token", "t"),
                Map.entry("trimtab.hub.stall", "5s")));

        ServingOptions serving = config.serving();

        assertThat(serving.models()).extracting(model -> model.name()).containsExactly("demo", "tiny");
        assertThat(serving.models().getLast().source())
                .hasToString(folder.resolve("tiny.gguf").toString());
        assertThat(serving.models())
                .extracting(model -> model.backend())
                .containsExactly(Backend.TRIMTAB, Backend.LLAMA_CPP);
        assertThat(serving.variants().llamaCpp())
                .isEqualTo(new LlamaBackend.Options(Optional.of(Path.of("/opt/llama-4.2.0.jar")), 1));
        assertThat(serving.variants().engine()).isEqualTo(new EngineOptions(8, 128, 16));
        assertThat(serving.kvCacheBytes()).hasValue(2L << 30);
        assertThat(serving.threads()).isEqualTo(1);
        assertThat(serving.hub())
                .isEqualTo(new HubOptions(
                        URI.create("https://hub.example.org/mirror"),
                        Optional.of("t"),
                        Path.of("/tmp/models"),
                        Duration.ofSeconds(5)));
        assertThat(config.api("localhost").allowedHosts()).containsExactlyInAnyOrder("localhost", "gateway");
        assertThat(config.api("localhost").allowedOrigins()).containsExactly("https://chat.example.org");
        assertThat(config.api("localhost").apiKeys()).containsExactlyInAnyOrder("a", "b");
        assertThat(config.api("localhost").adminKey()).isPresent();
        assertThat(serving.lifecycle().bytesMax()).hasValue(8L << 30);
        assertThat(serving.lifecycle().measure()).isEqualTo(ServingOptions.Measure.OFF);
        assertThat(serving.lifecycle().options()).isEqualTo(new VariantLifecycle.Options(3, 9, Duration.ofSeconds(5)));
        assertThatThrownBy(() -> config.modelRoot().resolve("model", "none.gguf"))
                .isInstanceOf(NotFound.class);
    }

    @Test
    void unknownKeysOfTheFileAreRefusedByTheirPath() throws IOException {
        Path file = Files.writeString(folder.resolve("bad.yaml"), """
                models:
                  - nmae: demo
                    source: embedded:demo
                """);

        assertThatThrownBy(() -> ServingFile.read(file))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("bad.yaml: unknown key `models[0].nmae`")
                .hasMessageContaining("known here: [")
                .hasMessageContaining("source");
    }

    @Test
    void unknownBackendsAreRefusedWithThoseThereAre() throws IOException {
        Path file = Files.writeString(folder.resolve("bad.yaml"), """
                models:
                  - source: embedded:demo
                    backend: llamacpp
                """);

        assertThatThrownBy(() -> ServingFile.read(file))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("`llamacpp`")
                .hasMessageContaining("trimtab, llama.cpp");
    }

    private static TrimtabConfig config(Map<String, String> values) {
        return new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .addDiscoveredConverters()
                .withMapping(TrimtabConfig.class)
                .withDefaultValues(values)
                .build()
                .getConfigMapping(TrimtabConfig.class);
    }
}
