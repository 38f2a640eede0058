package dev.trimtab.variant.life;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.api.FakeVariant;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Conflict;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Overloaded;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantDeclaration.Pin;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.VariantState;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The life of variants over fakes, with a clock that the test moves.
@Timeout(30)
class VariantLifecycleTest {
    private static final MemoryPlan PLAN = new MemoryPlan(1_000, 0, 0, 64, 4);
    private static final Duration DRAIN = Duration.ofSeconds(30);

    private final AtomicLong millis = new AtomicLong(1_800_000_000_000L);
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicLong machineBytes = new AtomicLong(Long.MAX_VALUE);
    private final FakeFactory factory = new FakeFactory();
    private final VariantRegistry registry = new VariantRegistry(millis::incrementAndGet);
    private final MemoryBudget budget = new MemoryBudget(3 * FakeFactory.BYTES, PLAN, machineBytes::get);
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private volatile Runnable duringPause = () -> {};
    private final VariantLifecycle lifecycle = new VariantLifecycle(
            registry,
            factory,
            budget,
            new VariantLifecycle.Options(2, 6, DRAIN),
            new Hearing(),
            new Drain(DRAIN, nanos::get, interval -> {
                nanos.addAndGet(interval.toNanos());
                duringPause.run();
            }));

    @AfterEach
    void close() {
        lifecycle.close();
    }

    @Test
    void servesWhatItLoaded() {
        lifecycle.load(order("a")).await();

        assertThat(registry.get("a")).isSameAs(factory.held("a"));
        assertThat(registry.slot("a").state()).isEqualTo(new VariantState.Unmeasured());
        assertThat(budget.takenBytes()).isEqualTo(FakeFactory.BYTES);
        assertThat(heard).containsExactly("loaded a");
    }

    @Test
    void showsHowFarALoadHasCome() {
        CompletableFuture<Void> go = new CompletableFuture<>();
        CompletableFuture<Void> begun = new CompletableFuture<>();
        factory.during(() -> {
            begun.complete(null);
            go.join();
        });

        Ticket ticket = lifecycle.load(order("a"));
        begun.join();

        assertThat(registry.slot("a").state())
                .isInstanceOfSatisfying(
                        VariantState.Loading.class,
                        loading -> assertThat(loading.progress().share()).isEqualTo(0.5));
        assertThatThrownBy(() -> lifecycle.unload("a")).isInstanceOf(Conflict.class);
        assertThat(ticket.await(Duration.ZERO)).isFalse();
        go.complete(null);
        ticket.await();
    }

    @Test
    void loadsOneAfterTheOtherInAQueueWithAnEnd() {
        CompletableFuture<Void> go = new CompletableFuture<>();
        CompletableFuture<Void> begun = new CompletableFuture<>();
        factory.during(() -> {
            begun.complete(null);
            go.join();
        });

        List<Ticket> tickets = List.of(lifecycle.load(order("a")));
        begun.join();
        List<Ticket> waiting = List.of(lifecycle.load(order("b")), lifecycle.load(order("c")));
        assertThatThrownBy(() -> lifecycle.load(order("d")))
                .isInstanceOf(Overloaded.class)
                .hasMessageContaining("at most 2 loads");
        assertThat(registry.find("d")).isEmpty();
        go.complete(null);
        tickets.forEach(Ticket::await);
        waiting.forEach(Ticket::await);

        assertThat(factory.events()).containsExactly("load a", "load b", "load c");
    }

    @Test
    void refusesASecondLoadOfTheSameName() {
        CompletableFuture<Void> go = new CompletableFuture<>();
        factory.during(go::join);
        Ticket first = lifecycle.load(order("a"));

        assertThatThrownBy(() -> lifecycle.load(order("a")))
                .isInstanceOf(Conflict.class)
                .hasMessageContaining("loading");
        go.complete(null);
        first.await();
        assertThatThrownBy(() -> lifecycle.load(order("a"))).isInstanceOf(Conflict.class);
        assertThat(factory.events()).containsExactly("load a");
    }

    @Test
    void aFailedLoadTakesNothingAndSaysWhy() {
        lifecycle.load(order("a")).await();
        factory.during(() -> {
            throw new BadCheckpoint("b.gguf: bad magic");
        });

        Ticket ticket = lifecycle.load(order("b"));

        assertThatThrownBy(ticket::await).isInstanceOf(BadCheckpoint.class).hasMessage("b.gguf: bad magic");
        assertThat(registry.slot("b").state()).isEqualTo(new VariantState.Failed("b.gguf: bad magic"));
        assertThat(budget.takenBytes()).isEqualTo(FakeFactory.BYTES);
        assertThat(budget.takenBytes("b")).isZero();
        assertThat(factory.held()).containsOnlyKeys("a");
        assertThat(registry.get("a").name()).isEqualTo("a");
        assertThat(heard).containsExactly("loaded a", "failed b");
    }

    @Test
    void whatFailedCanBeLoadedAgainAndForgotten() {
        factory.during(() -> {
            throw new IllegalStateException("a fault of ours");
        });
        assertThatThrownBy(() -> lifecycle.load(order("a")).await()).isInstanceOf(IllegalStateException.class);
        assertThat(registry.slot("a").state().reason())
                .hasValueSatisfying(reason -> assertThat(reason).doesNotContain("a fault of ours"));

        factory.during(() -> {});
        lifecycle.load(order("a")).await();
        assertThat(registry.get("a").name()).isEqualTo("a");

        factory.during(() -> {
            throw new BadCheckpoint("bad");
        });
        assertThatThrownBy(() -> lifecycle.load(order("b")).await()).isInstanceOf(BadCheckpoint.class);
        lifecycle.unload("b").await();
        assertThat(registry.find("b")).isEmpty();
    }

    @Test
    void evictsTheLeastRecentlyUsedFirst() {
        loadDefaultAnd("a", "b");
        registry.get("a");
        registry.get("b");
        registry.get("a");

        lifecycle.load(order("c")).await();

        assertThat(factory.held()).containsOnlyKeys("demo", "a", "c");
        assertThat(factory.events()).containsSubsequence("unload b", "load c");
        assertThat(heard).contains("unloaded b EVICTED");
        assertThat(budget.takenBytes()).isEqualTo(3 * FakeFactory.BYTES);
        assertThatThrownBy(() -> registry.get("b")).isInstanceOf(NotFound.class);
    }

    @Test
    void evictsAsManyAsItTakesAndNoMore() {
        loadDefaultAnd("a", "b");
        factory.demanding(demand -> new MemoryPlan.Demand(demand.name(), 2 * FakeFactory.BYTES, 0, 1, 4, 8));

        lifecycle.load(order("big")).await();

        assertThat(factory.held()).containsOnlyKeys("demo", "big");
        assertThat(budget.takenBytes()).isEqualTo(3 * FakeFactory.BYTES);
    }

    @Test
    void evictsNeitherDefaultsNorPinnedNorBusyOnes() {
        loadDefaultAnd("busy");
        lifecycle.load(order("pinned", Pin.PINNED)).await();
        factory.held("busy").running(1);

        Ticket ticket = lifecycle.load(order("c"));

        assertThatThrownBy(ticket::await)
                .isInstanceOf(Conflict.class)
                .hasMessageContaining("`c` needs 100 B")
                .hasMessageContaining("300 B of 300 B taken");
        assertThat(factory.held()).containsOnlyKeys("demo", "busy", "pinned");
        factory.held("busy").running(0);
    }

    @Test
    void evictsNothingForWhatWouldNotFitEvenSo() {
        loadDefaultAnd("a", "b");
        factory.demanding(demand -> new MemoryPlan.Demand(demand.name(), 3 * FakeFactory.BYTES, 0, 1, 4, 8));

        assertThatThrownBy(() -> lifecycle.load(order("huge")).await()).isInstanceOf(Conflict.class);

        assertThat(factory.held()).containsOnlyKeys("demo", "a", "b");
    }

    @Test
    void heedsTheMachineWhereItHasLessThanPlanned() {
        loadDefaultAnd();
        machineBytes.set(FakeFactory.BYTES - 1);

        assertThatThrownBy(() -> lifecycle.load(order("a")).await())
                .isInstanceOf(Conflict.class)
                .hasMessageContaining("99 B available on the machine");
    }

    @Test
    void refusesWhatTheKvPoolCannotHold() {
        loadDefaultAnd("a");
        factory.demanding(demand -> new MemoryPlan.Demand(demand.name(), 1, 0, 5, 4, 8));
        assertThatThrownBy(() -> lifecycle.load(order("wide")).await())
                .isInstanceOf(Conflict.class)
                .hasMessageContaining("extents of 4 B")
                .hasMessageContaining("trimtab.memory.kv-cache");

        factory.demanding(demand -> new MemoryPlan.Demand(demand.name(), 1, 0, 1, 65, 65));
        assertThatThrownBy(() -> lifecycle.load(order("long")).await()).hasMessageContaining("a KV pool of 65 B");
        assertThat(factory.held()).containsOnlyKeys("demo", "a");
    }

    @Test
    void letsRunningRequestsFinishBeforeItFreesAnything() {
        lifecycle.load(order("a")).await();
        FakeVariant variant = factory.held("a").running(1);
        CompletableFuture<Void> finish = new CompletableFuture<>();
        CompletableFuture<Void> looked = new CompletableFuture<>();
        duringPause = () -> {
            looked.complete(null);
            finish.join();
        };

        Ticket ticket = lifecycle.unload("a");
        looked.join();

        assertThat(registry.slot("a").state()).isEqualTo(new VariantState.Draining());
        assertThatThrownBy(() -> registry.get("a")).hasMessageContaining("being unloaded");
        assertThatThrownBy(() -> lifecycle.unload("a")).isInstanceOf(Conflict.class);
        assertThatThrownBy(() -> lifecycle.load(order("a"))).isInstanceOf(Conflict.class);
        assertThat(factory.events()).doesNotContain("unload a");
        assertThat(budget.takenBytes()).isEqualTo(FakeFactory.BYTES);

        variant.running(0);
        finish.complete(null);
        ticket.await();
        assertThat(factory.events()).containsExactly("load a", "unload a");
        assertThat(budget.takenBytes()).isZero();
        assertThat(registry.find("a")).isEmpty();
        assertThat(heard).containsExactly("loaded a", "unloaded a REQUESTED");
        assertThat(nanos.get()).isLessThan(DRAIN.toNanos());
    }

    @Test
    void failsWhatStillRunsAfterTheDrainTimeout() {
        lifecycle.load(order("a")).await();
        factory.held("a").running(1);

        lifecycle.unload("a").await();

        assertThat(nanos.get()).isGreaterThanOrEqualTo(DRAIN.toNanos());
        assertThat(factory.events()).containsExactly("load a", "unload a");
        assertThat(budget.takenBytes()).isZero();
    }

    @Test
    void drainsOnceMoreWhenARequestComesLate() {
        lifecycle.load(order("a")).await();
        FakeVariant variant = factory.held("a");
        AtomicLong looks = new AtomicLong();
        duringPause = () -> {
            long look = looks.incrementAndGet();
            variant.running(look == 2 || look == 3 ? 1 : 0);
        };

        lifecycle.unload("a").await();

        assertThat(looks.get()).isGreaterThan(5);
    }

    @Test
    void limitsHowManyVariantsThereAre() {
        factory.demanding(demand -> new MemoryPlan.Demand(demand.name(), 1, 0, 1, 4, 8));
        for (int i = 0; i < 6; i++) {
            lifecycle.load(order("v" + i)).await();
        }

        assertThatThrownBy(() -> lifecycle.load(order("v6")))
                .isInstanceOf(Conflict.class)
                .hasMessageContaining("at most 6 variants");
    }

    @Test
    void closingFreesEverythingAndRefusesWhatComes() {
        loadDefaultAnd("a");
        factory.held("a").running(1);

        lifecycle.close();

        assertThat(factory.held()).isEmpty();
        assertThat(budget.takenBytes()).isZero();
        assertThat(nanos.get()).isLessThan(DRAIN.toNanos());
        assertThatThrownBy(() -> lifecycle.load(order("b")))
                .isInstanceOf(Overloaded.class)
                .hasMessageContaining("being stopped");
        assertThat(registry.slots()).isEmpty();
    }

    @Test
    void freesWhatItLoadedWhenNobodyCanBeTold() {
        factory.during(() -> heard.add("fault"));

        assertThatThrownBy(() -> lifecycle.load(order("a")).await()).hasMessageContaining("cannot hear");

        assertThat(factory.held()).isEmpty();
        assertThat(budget.takenBytes()).isZero();
    }

    private void loadDefaultAnd(String... names) {
        lifecycle.load(order("demo")).await();
        for (String name : names) {
            lifecycle.load(order(name)).await();
        }
    }

    /// Variants of the model `demo`, whose default is the one of that name.
    private static VariantOrder order(String name) {
        return order(name, Pin.EVICTABLE);
    }

    private static VariantOrder order(String name, Pin pin) {
        return new VariantOrder(
                "demo",
                new ModelSource.Embedded(),
                Backend.TRIMTAB,
                new VariantDeclaration(name, Optional.empty(), pin));
    }

    private final class Hearing implements LifecycleListener {
        @Override
        public void loaded(Variant variant, long durationNanos) {
            if (heard.remove("fault")) {
                throw new IllegalStateException("cannot hear");
            }
            heard.add("loaded " + variant.name());
        }

        @Override
        public void failed(String name, long durationNanos) {
            heard.add("failed " + name);
        }

        @Override
        public void unloaded(String name, Cause cause) {
            heard.add("unloaded " + name + " " + cause);
        }
    }
}
