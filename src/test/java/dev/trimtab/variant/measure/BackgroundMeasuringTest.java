package dev.trimtab.variant.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.engine.EngineLoop;
import dev.trimtab.engine.background.BackgroundWork;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Conflict;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.VariantState;
import dev.trimtab.variant.life.FakeFactory;
import dev.trimtab.variant.life.LifecycleListener;
import dev.trimtab.variant.life.MemoryBudget;
import dev.trimtab.variant.life.VariantLifecycle;
import dev.trimtab.variant.life.VariantOrder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// When fresh variants are measured and what comes of it, over fakes.
@Timeout(30)
class BackgroundMeasuringTest {
    private final VariantRegistry registry = new VariantRegistry();
    private final EngineLoop loop = new EngineLoop();
    private final FakeFactory factory = new FakeFactory();
    private final CompletableFuture<Void> begun = new CompletableFuture<>();
    private volatile Examination examination = (_, _, _) -> found(Optional.empty());
    private final BackgroundMeasuring measuring = new BackgroundMeasuring(
            registry, loop, (order, variant, units) -> examination.examine(order, variant, units));
    private final VariantLifecycle lifecycle = new VariantLifecycle(
            registry,
            new MeasuredVariants(factory, measuring),
            new MemoryBudget(1_000, new MemoryPlan(1_000, 0, 0, 64, 4), () -> Long.MAX_VALUE),
            new VariantLifecycle.Options(4, 8, Duration.ofMillis(50)),
            LifecycleListener.NONE);

    /// Never done.
    private final class Endless implements BackgroundWork {
        private final String name;

        Endless(String name) {
            this.name = name;
        }

        @Override
        public boolean isDone() {
            return false;
        }

        @Override
        public void unit() {
            begun.complete(null);
        }

        @Override
        public void close() {
            factory.events().add("closed " + name);
        }
    }

    @AfterEach
    void close() {
        measuring.close();
        lifecycle.close();
        loop.close();
    }

    @Test
    void waitsForTheStartThenMeasuresOneAfterTheOther() {
        examination = (order, _, units) -> {
            factory.events().add("measure " + order.name());
            units.check();
            return found(Optional.empty());
        };
        load("a", "int4");
        load("b", "int8");
        assertThat(state("a")).isEqualTo(new VariantState.Unmeasured());

        measuring.start();
        measuring.settled().join();

        assertThat(factory.events()).containsExactly("load a", "load b", "measure a", "measure b");
        assertThat(state("a")).isEqualTo(new VariantState.Ready());
        assertThat(state("b")).isEqualTo(new VariantState.Ready());
        assertThat(registry.slot("a").measured()).contains(found(Optional.empty()));
    }

    @Test
    void quarantinesWhatMissedAGateAndServesTheOthers() {
        examination = (order, _, _) ->
                found(order.name().equals("a") ? Optional.of("same_top >= 1 missed: found 0.5") : Optional.empty());
        load("a", "int4");
        load("b", "int8");

        measuring.start();
        measuring.settled().join();

        assertThat(state("a")).isEqualTo(new VariantState.Quarantined("same_top >= 1 missed: found 0.5"));
        assertThat(registry.get("b")).isSameAs(factory.held("b"));
        assertThat(registry.list()).extracting(Variant::name).containsExactly("b");
    }

    @Test
    void leavesUnmeasuredWhatThereIsNoBaseFor() {
        examination = (order, _, _) -> {
            if (order.name().equals("a")) {
                throw new Conflict("its base does not fit");
            }
            throw new IllegalStateException("a fault of ours");
        };
        load("a", "int4");
        load("b", "int4");

        measuring.start();
        measuring.settled().join();

        assertThat(state("a")).isEqualTo(new VariantState.Unmeasured());
        assertThat(state("b")).isEqualTo(new VariantState.Unmeasured());
        assertThat(registry.get("a")).isSameAs(factory.held("a"));
    }

    @Test
    void letsGoOfAVariantBeforeItIsFreed() {
        measureWithoutEnd();

        lifecycle.unload("b").await();
        lifecycle.unload("a").await();
        measuring.settled().join();

        assertThat(factory.events()).containsExactly("load a", "load b", "unload b", "closed a", "unload a");
        assertThat(registry.slots()).isEmpty();
    }

    @Test
    void cancelsEverythingWhenClosed() {
        measureWithoutEnd();

        measuring.close();
        load("c", "int4");

        assertThat(factory.events()).containsExactly("load a", "load b", "closed a", "load c");
        assertThat(state("a")).isEqualTo(new VariantState.Unmeasured());
        assertThat(state("b")).isEqualTo(new VariantState.Unmeasured());
    }

    @Test
    void closesWorkThatComesTooLate() {
        CompletableFuture<Void> go = new CompletableFuture<>();
        examination = (order, _, units) -> {
            begun.complete(null);
            go.join();
            units.run(new Endless(order.name()));
            return found(Optional.empty());
        };
        load("a", "int4");
        measuring.start();
        begun.join();
        var unloaded = lifecycle.unload("a");
        assertThat(unloaded.await(Duration.ofMillis(100))).isFalse();

        go.complete(null);
        unloaded.await();

        assertThat(factory.events()).containsExactly("load a", "closed a", "unload a");
    }

    @Test
    void refusesWhatIsNoGateBeforeTheLoad() {
        for (String evaluate :
                List.of("{gates: {same_topp: '>=0.9'}}", "{gates: {same_top: '0.9'}}", "{corpus: 'file:text.txt'}")) {
            assertThatThrownBy(() -> load("a", "{quantize: int4, evaluate: " + evaluate + "}"))
                    .isInstanceOf(BadConfiguration.class);
        }
        assertThat(factory.events()).isEmpty();
    }

    @Test
    void measuresNothingThatAnotherBackendComputes() {
        examination = (_, _, _) -> {
            throw new AssertionError("measured");
        };
        lifecycle
                .load(new VariantOrder(
                        "m",
                        new ModelSource.Embedded(),
                        Backend.LLAMA_CPP,
                        new VariantDeclaration("a", Optional.empty())))
                .await();

        measuring.start();
        measuring.settled().join();

        assertThat(state("a")).isEqualTo(new VariantState.Unmeasured());
    }

    /// Returns while `a` is being measured and `b` waits.
    private void measureWithoutEnd() {
        examination = (order, _, units) -> {
            units.run(new Endless(order.name()));
            throw new AssertionError("endless work ended");
        };
        load("a", "int4");
        load("b", "int4");
        measuring.start();
        begun.join();
    }

    private static Measured found(Optional<String> missed) {
        return new Measured(OptionalDouble.of(0.9), OptionalDouble.of(100), missed, Map.of());
    }

    private void load(String name, String recipe) {
        Recipe parsed = Recipe.parse("test", recipe.startsWith("{") ? recipe : "quantize: " + recipe);
        lifecycle
                .load(new VariantOrder(
                        "m",
                        new ModelSource.Embedded(),
                        Backend.TRIMTAB,
                        new VariantDeclaration(name, Optional.of(parsed))))
                .await();
    }

    private VariantState state(String name) {
        return registry.slot(name).state();
    }
}
