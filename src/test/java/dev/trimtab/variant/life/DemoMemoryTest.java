package dev.trimtab.variant.life;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.adapter.TestAdapters;
import dev.trimtab.checkpoint.hub.Hub;
import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.engine.EngineLoop;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.engine.KvPool;
import dev.trimtab.error.Conflict;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.RecipeLoader;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantDeclaration.Pin;
import dev.trimtab.variant.VariantLoader;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.adapter.AdapterDeclaration;
import dev.trimtab.variant.adapter.AdapterDeclaration.Mode;
import dev.trimtab.variant.adapter.Adapters;
import dev.trimtab.variant.adapter.Adapters.Naming;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the demo model's variants and their adapters take of the memory budget, and what a load that cannot be costs
/// the others: nothing.
class DemoMemoryTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final MemoryPlan PLAN = new MemoryPlan(1L << 40, 0, 0, 32L << 20, 1 << 20);

    @TempDir
    private Path folder;

    private final AtomicLong machineBytes = new AtomicLong(Long.MAX_VALUE);
    private final ComputePool pool = new ComputePool(2);
    private final EngineLoop loop = new EngineLoop();
    private final KvPool kvPool = new KvPool(PLAN.kvBytes(), PLAN.kvExtentBytes());
    private final VariantRegistry registry = new VariantRegistry();
    private final MemoryBudget budget = new MemoryBudget(1L << 40, PLAN, machineBytes::get);
    private Path adapter = Path.of("");
    private LocalVariants variants;
    private VariantLifecycle lifecycle;

    @BeforeEach
    void open() {
        try (Checkpoint demo = Checkpoint.open(DEMO)) {
            adapter = folder.resolve("one.gguf");
            TestAdapters.random(demo, 4, 1, TestAdapters.LAYERS).alpha(2).write(adapter);
        }
        HubOptions hub = new HubOptions(URI.create("http://127.0.0.1:1"), Optional.empty(), folder, HubOptions.STALL);
        VariantLoader loader = new VariantLoader(
                new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.empty()),
                loop,
                kvPool,
                new VariantLoader.Options(ModelLoader.Options.SERVING, EngineOptions.DEFAULT),
                budget::freeBytes,
                _ -> EngineListener.NONE);
        variants = new LocalVariants(loader, new Sources(new Hub(hub, (_, _) -> {})));
        lifecycle = new VariantLifecycle(
                registry, variants, budget, VariantLifecycle.Options.DEFAULTS, LifecycleListener.NONE);
    }

    @AfterEach
    void close() {
        lifecycle.close();
        loop.close();
        kvPool.close();
        pool.close();
        assertThat(budget.takenBytes()).isZero();
    }

    @Test
    void adaptersCountAsLongAsTheyAreThere() {
        load("a", "int4");
        long alone = budget.takenBytes("a");
        Adapters adapters = registry.get("a").adapters();

        long bytes = adapters.load(declared("one", adapter), Naming.NEW).sizeBytes();

        assertThat(bytes).isPositive();
        assertThat(budget.takenBytes("a")).isEqualTo(alone + bytes);
        adapters.unload("one");
        assertThat(budget.takenBytes("a")).isEqualTo(alone);
    }

    @Test
    void refusesAnAdapterThatDoesNotFit() {
        load("a", "int4");
        long alone = budget.takenBytes();
        machineBytes.set(1_000);

        assertThatThrownBy(() -> registry.get("a").adapters().load(declared("one", adapter), Naming.NEW))
                .isInstanceOf(Conflict.class)
                .hasMessageContaining("of which 1000 B are free");
        assertThat(registry.get("a").adapters().list()).isEmpty();
        assertThat(budget.takenBytes()).isEqualTo(alone);
    }

    @Test
    void declaredAdaptersAreForeseen() {
        load("a", "int4");
        long alone = budget.takenBytes("a");
        VariantDeclaration adapted = variant("b", "int4", Optional.empty(), List.of(declared("one", adapter)));

        MemoryPlan.Demand demand = variants.demand(order(adapted));
        lifecycle.load(order(adapted)).await();

        long bytes = registry.get("b").adapters().sizeBytes();
        assertThat(demand.adapterBytes()).isBetween(bytes, 8 * bytes);
        assertThat(budget.takenBytes("b")).isEqualTo(alone + bytes);
    }

    /// There is room for one.
    @Test
    void aLoadThatCannotBeEvictsNobody() throws IOException {
        load("a", "int4");
        machineBytes.set(0);
        Path corrupt = Files.writeString(folder.resolve("corrupt.lock"), "{");
        Path nothing = folder.resolve("nothing.gguf");
        Path foreign = folder.resolve("foreign.lock");
        Files.writeString(
                foreign,
                "{\"version\": 1, \"recipe\": \"%1$s\", \"source\": \"%1$s\", \"seed\": 7, \"tensors\": []}"
                        .formatted("0".repeat(64)));
        Path merging = Files.writeString(folder.resolve("merging.yaml"), "adapters: [{path: nothing.gguf}]");

        for (VariantDeclaration impossible : List.of(
                variant("b", "int4", Optional.of(corrupt), List.of()),
                variant("b", "int4", Optional.of(foreign), List.of()),
                variant("b", merging.toString(), Optional.empty(), List.of()),
                variant("b", "int4", Optional.empty(), List.of(declared("none", nothing))))) {
            assertThatThrownBy(() -> lifecycle.load(order(impossible)).await())
                    .isInstanceOf(TrimtabException.class)
                    .isNotInstanceOf(Conflict.class);
            assertThat(registry.get("a").name()).isEqualTo("a");
        }

        load("b", "int4");
        assertThat(registry.find("a")).isEmpty();
    }

    private void load(String name, String recipe) {
        lifecycle
                .load(order(variant(name, recipe, Optional.empty(), List.of())))
                .await();
    }

    private VariantDeclaration variant(
            String name, String recipe, Optional<Path> lock, List<AdapterDeclaration> adapters) {
        return new VariantDeclaration(name, Optional.of(Recipe.of(recipe, folder)), lock, Pin.EVICTABLE, adapters);
    }

    private static AdapterDeclaration declared(String name, Path path) {
        return new AdapterDeclaration(name, path, 1, Mode.LIVE);
    }

    private static VariantOrder order(VariantDeclaration variant) {
        return new VariantOrder("demo", new ModelSource.Embedded(), Backend.TRIMTAB, variant);
    }
}
