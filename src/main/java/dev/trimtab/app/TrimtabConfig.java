package dev.trimtab.app;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.trimtab.api.http.AdminKey;
import dev.trimtab.api.http.ApiOptions;
import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.life.VariantLifecycle;
import dev.trimtab.variant.llamacpp.LlamaBackend;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.smallrye.config.WithDefault;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/// The knobs of the process (`trimtab.*` in system properties, the environment or `application.properties`).
/// Which models are served stands in `trimtab.yaml`.
@ConfigMapping(prefix = "trimtab")
public interface TrimtabConfig {
    /// The file that declares the models; read when it exists and no `model` is given.
    @WithDefault("trimtab.yaml")
    Path file();

    /// One checkpoint to serve instead of the file's: a path, `hf:org/name` or `embedded:demo` (the default
    /// where there is no file).
    Optional<String> model();

    /// The id under which `model` is served; its file's name where absent.
    Optional<String> name();

    /// What to make of `model`'s weights: a recipe's file or a scheme such as `int4`; as they are where absent.
    Optional<String> recipe();

    /// The file that says what `recipe` came to; it is written if there is none.
    Optional<Path> lock();

    /// The folder of what was fetched; `$XDG_CACHE_HOME/trimtab`, else `~/.cache/trimtab`, where absent.
    Optional<Path> cache();

    /// Whether variants are compared with their checkpoint once they serve, and quarantined where they miss a gate
    /// of their recipe (`background`), or served unmeasured (`off`).
    @WithDefault("background")
    ServingOptions.Measure measure();

    Hub hub();

    Engine engine();

    Memory memory();

    Compute compute();

    LlamaCpp llamaCpp();

    Http http();

    Admin admin();

    Models models();

    /// Where `hf:` sources come from. The defaults look at the variables that Hugging Face's own tools read.
    interface Hub {
        /// A Hugging Face-compatible hub.
        @WithDefault("${HF_ENDPOINT:https://huggingface.co}")
        URI url();

        /// Opens gated and private repositories. From the environment: `TRIMTAB_HUB_TOKEN`.
        @WithDefault("${HF_TOKEN:}")
        Optional<String> token();

        /// How long the hub may be silent before a connection counts as lost.
        @WithDefault("30s")
        Duration stall();
    }

    /// Limits of each variant's engine.
    interface Engine {
        /// Sequences in one step. Decode of 64 is past the point where a CPU still gains from a larger batch.
        @WithDefault("64")
        int maxSequences();

        /// Tokens in one step: a prefill chunk of this many is what running streams wait for at most.
        @WithDefault("512")
        int maxBatchedTokens();

        /// Sequences that may wait before new ones are shed with 503.
        @WithDefault("256")
        int maxWaiting();
    }

    /// Memory beside the weights.
    interface Memory {
        /// KV cache of the process, such as `2G`; the memory plan decides where absent.
        Optional<MemorySize> kvCache();

        /// Weights and scratch of all variants together, such as `8G`; a load beyond it evicts or is refused.
        /// What the KV cache leaves of the machine where absent.
        Optional<MemorySize> variants();
    }

    /// The compute pool.
    interface Compute {
        /// Threads; physical cores within the cgroup's quota where absent.
        OptionalInt threads();

        /// What quantized weights are multiplied with: `int8`, which costs little and is several times as fast,
        /// or `float32`, which is exact (docs/PERFORMANCE.md has the divergences).
        @WithDefault("int8")
        ActivationPrecision activations();
    }

    /// The backend of models that say `backend: llama.cpp`.
    interface LlamaCpp {
        /// The jar `de.kherud:llama:4.2.0` (or its CUDA build), or a `libjllama` of it. Searched for on the class
        /// path where absent: the jar is not shipped, for it is 12 MB that the default run does not need.
        Optional<Path> library();
    }

    /// The HTTP edge, beside Quarkus's own `quarkus.http.*`.
    interface Http {
        /// Host names, beside loopback ones and the one bound, that a request's `Host` may carry.
        Optional<List<String>> allowedHosts();

        /// Origins of other sites whose pages may call; none where absent.
        Optional<List<String>> allowedOrigins();

        /// Bearer tokens of which callers must send one; none is asked for where absent. From the
        /// environment: `TRIMTAB_HTTP_API_KEYS`.
        Optional<List<String>> apiKeys();
    }

    /// Administration: what is served, while it is served.
    interface Admin {
        /// What administrative calls must send as bearer token, 16 characters or more; where absent they must
        /// come from loopback. From the environment: `TRIMTAB_ADMIN_KEY`.
        Optional<String> key();

        /// How long a variant that is unloaded lets running requests finish. Half a minute is what
        /// orchestrators give a process to stop in.
        @WithDefault("30s")
        Duration drainTimeout();

        /// Loads that may wait while another is done.
        @WithDefault("8")
        int queueMax();

        /// Variants there may be, in whatever state; every one is a series in each metric.
        @WithDefault("64")
        int variantsMax();
    }

    /// Checkpoints and adapters on disk.
    interface Models {
        /// The folder below which administrative calls may name files; none where absent.
        Optional<Path> root();
    }

    /// The folder of `models`, checked.
    default ModelRoot modelRoot() {
        return models().root().map(ModelRoot::of).orElse(ModelRoot.NONE);
    }

    /// These knobs as the core knows them, with the models of `model`, else of `file`, else the embedded one.
    default ServingOptions serving() {
        int threads = compute().threads().orElseGet(ComputePool::defaultThreads);
        return new ServingOptions(
                declarations(),
                new VariantLoader.Options(
                        ModelLoader.Options.serving(compute().activations()),
                        new EngineOptions(engine().maxSequences(), engine().maxBatchedTokens(), engine().maxWaiting()),
                        new LlamaBackend.Options(llamaCpp().library(), threads)),
                threads,
                bytes(memory().kvCache()),
                hubOptions(),
                new ServingOptions.Lifecycle(
                        modelRoot(),
                        bytes(memory().variants()),
                        new VariantLifecycle.Options(admin().queueMax(), admin().variantsMax(), admin().drainTimeout()),
                        measure()));
    }

    private static OptionalLong bytes(Optional<MemorySize> size) {
        return size.map(given -> OptionalLong.of(given.asLongValue())).orElseGet(OptionalLong::empty);
    }

    /// The hub's knobs; the cache's folder as the environment has it where none is set.
    default HubOptions hubOptions() {
        Path home = Path.of(System.getProperty("user.home"));
        return new HubOptions(
                hub().url(),
                hub().token(),
                cache().orElseGet(() ->
                        HubOptions.defaultCache(Optional.ofNullable(System.getenv("XDG_CACHE_HOME")), home)),
                hub().stall());
    }

    /// The knobs of a process that is no server, from the same places.
    static TrimtabConfig ofProcess() {
        return new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .addDefaultSources()
                .addDiscoveredConverters()
                .withMapping(TrimtabConfig.class)
                .build()
                .getConfigMapping(TrimtabConfig.class);
    }

    /// The edge's knobs; `host` is the name that is bound, which callers may use.
    default ApiOptions api(String host) {
        Set<String> hosts = new HashSet<>(http().allowedHosts().orElse(List.of()));
        hosts.add(host);
        return new ApiOptions(
                hosts,
                Set.copyOf(http().allowedOrigins().orElse(List.of())),
                Set.copyOf(http().apiKeys().orElse(List.of())),
                admin().key().map(AdminKey::of),
                ApiOptions.Limits.DEFAULTS);
    }

    private List<ModelDeclaration> declarations() {
        if (model().isEmpty() && Files.exists(file())) {
            if (recipe().isPresent() || lock().isPresent()) {
                throw new BadConfiguration("a " + (recipe().isPresent() ? "recipe" : "lock")
                        + " goes with a model; those of " + file() + " name their own");
            }
            return ServingFile.read(file());
        }
        ModelSource source = ModelSource.parse(model().orElse("embedded:demo"));
        String name = name().orElseGet(source::defaultName);
        if (model().isEmpty() && recipe().isEmpty() && lock().isEmpty()) {
            return List.of(new ModelDeclaration(name, source, Backend.TRIMTAB, demoVariants(name)));
        }
        Optional<Recipe> recipe = recipe().map(word -> Recipe.of(word, Path.of("")));
        VariantDeclaration variant = new VariantDeclaration(name, recipe).locked(lock());
        return List.of(new ModelDeclaration(name, source, Backend.TRIMTAB, List.of(variant)));
    }

    /// What a first look should show: one checkpoint, 8, 4.5, 2.5 and 3 MB, the last a pruned and compensated one.
    private static List<VariantDeclaration> demoVariants(String name) {
        List<VariantDeclaration> variants = new ArrayList<>();
        for (String scheme : List.of("f16", "int8", "int4")) {
            variants.add(new VariantDeclaration(name + "-" + scheme, Optional.of(Recipe.of(scheme, Path.of("")))));
        }
        variants.add(new VariantDeclaration(name + "-slim", Optional.of(slim())));
        return variants;
    }

    private static Recipe slim() {
        try (InputStream yaml = TrimtabConfig.class.getResourceAsStream("slim.yaml")) {
            return Recipe.parse("slim", new String(Objects.requireNonNull(yaml).readAllBytes(), UTF_8));
        } catch (IOException e) {
            throw new Internal("the recipe of demo-slim cannot be read", e);
        }
    }
}
