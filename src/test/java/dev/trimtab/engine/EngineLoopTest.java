package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.engine.Engine.Surroundings;
import dev.trimtab.engine.background.BackgroundWork;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Overloaded;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class EngineLoopTest {
    private final KvPool pool = new KvPool(60 * FakeRunner.blockBytes(), FakeRunner.blockBytes());
    private final EngineLoop loop = new EngineLoop();

    @AfterEach
    void everythingIsGivenBack() {
        loop.close();
        assertThat(pool.freeExtents()).isEqualTo(pool.extents());
        pool.close();
    }

    /// Waits for the last event of a sequence.
    private static final class LatchSink implements TokenSink {
        private final CountDownLatch over = new CountDownLatch(1);
        private final CountDownLatch begun = new CountDownLatch(1);
        private final RecordingSink record = new RecordingSink();

        @Override
        public void accept(TokenEvent event) {
            record.accept(event);
            begun.countDown();
            if (!(event instanceof TokenEvent.Delta)) {
                over.countDown();
            }
        }

        RecordingSink await() throws InterruptedException {
            over.await();
            return record;
        }
    }

    private Engine engine() {
        Engine engine = new Engine(
                new EngineOptions(4, 64, 200),
                new FakeRunner(64, 8, 1000, FakeRunner.Faults.NONE),
                TinyVocabulary.TOKENIZER,
                new Surroundings(pool, EngineListener.NONE, System::nanoTime));
        loop.add(engine);
        return engine;
    }

    private static GenerationRequest request(int first, int tokens) {
        return new GenerationRequest(
                "r" + first,
                new int[] {first, 10, 11},
                SamplingOptions.GREEDY,
                new StopCondition(tokens, List.of(), Set.of(), true));
    }

    @Test
    void wakesForEachSubmission() throws InterruptedException {
        Engine engine = engine();

        for (int i = 0; i < 200; i++) {
            LatchSink sink = new LatchSink();
            engine.submit(request(9, 2), sink);
            assertThat(sink.await().reason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void servesManyThreadsAndEnginesAtOnce() throws Exception {
        List<Engine> engines = List.of(engine(), engine(), engine());
        List<Future<Integer>> clients = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(6)) {
            for (int client = 0; client < 6; client++) {
                int seed = client;
                clients.add(executor.submit(() -> converse(engines, seed)));
            }
            for (Future<Integer> client : clients) {
                assertThat(client.get()).isEqualTo(60);
            }
        }
        loop.call(() -> assertThat(engines)
                .allSatisfy(engine -> assertThat(engine.status()).isEqualTo(new EngineStatus(0, 0, 0, 60))));
    }

    private static int converse(List<Engine> engines, int seed) throws InterruptedException {
        Random random = new Random(seed);
        int right = 0;
        for (int i = 0; i < 60; i++) {
            GenerationRequest request = request(9 + random.nextInt(20), 1 + random.nextInt(40));
            LatchSink sink = new LatchSink();
            Generation generation = engines.get(random.nextInt(engines.size())).submit(request, sink);
            if (random.nextInt(3) == 0) {
                generation.cancel();
            }
            RecordingSink record = sink.await();
            Alone alone = Alone.run(request, 1000, FakeRunner.Faults.NONE);
            boolean whole = record.reason() == FinishReason.LENGTH;
            right += whole
                    ? alone.text().equals(record.text()) ? 1 : 0
                    : alone.text().startsWith(record.text()) ? 1 : 0;
        }
        return right;
    }

    @Test
    void runsTasksOnItsThreadAndGivesBackWhatTheyThrow() {
        AtomicReference<String> name = new AtomicReference<>("");

        loop.call(() -> loop.call(() -> name.set(Thread.currentThread().getName())));

        assertThat(name).hasValue("trimtab-engine");
        assertThatThrownBy(() -> loop.call(() -> {
                    throw new IllegalStateException("inner");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("inner");
    }

    @Test
    void goesOnWhenSomebodyInterruptsItsThread() throws InterruptedException {
        Engine engine = engine();
        loop.call(() -> Thread.currentThread().interrupt());

        LatchSink sink = new LatchSink();
        engine.submit(request(9, 5), sink);

        assertThat(sink.await().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void failsWhatIsLeftOfARemovedEngineAndServesTheOthers() throws InterruptedException {
        Engine removed = engine();
        Engine kept = engine();
        LatchSink endless = new LatchSink();
        removed.submit(request(9, 900), endless);
        endless.begun.await();

        loop.remove(removed);

        RecordingSink record = endless.await();
        assertThat(record.failed() || record.reason() == FinishReason.LENGTH).isTrue();
        assertThatThrownBy(() -> removed.submit(request(9, 1), new LatchSink())).isInstanceOf(Overloaded.class);
        LatchSink sink = new LatchSink();
        kept.submit(request(9, 5), sink);
        assertThat(sink.await().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void failsEverythingWhenClosedAndRefusesTasks() throws InterruptedException {
        Engine engine = engine();
        LatchSink blocking = new LatchSink();
        LatchSink waiting = new LatchSink();
        AtomicInteger deltas = new AtomicInteger();
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        engine.submit(request(9, 900), event -> {
            blocking.accept(event);
            if (deltas.getAndIncrement() == 0) {
                first.countDown();
                awaitUninterrupted(goOn);
            }
        });
        first.await();
        engine.submit(request(10, 5), waiting);
        Thread closer = Thread.ofPlatform().start(loop::close);
        while (closer.getState() != Thread.State.WAITING) { // it waits for the loop, which waits for us
            Thread.onSpinWait();
        }

        goOn.countDown();
        closer.join();

        assertThat(blocking.await().failed()).isTrue();
        assertThat(waiting.await().failed()).isTrue();
        assertThatThrownBy(() -> loop.call(() -> {})).isInstanceOf(Internal.class);
        loop.remove(engine);
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interruption) {
            throw new AssertionError(interruption);
        }
    }

    @Test
    void stepsASmallEngineOftenBetweenTheStepsOfALargeOne() throws InterruptedException {
        List<String> order = new ArrayList<>();
        ManualClock clock = new ManualClock();
        try (var timed = new EngineLoop(clock)) {
            Engine large = timed(clock, order, "L", 1000);
            Engine small = timed(clock, order, "s", 100);
            LatchSink largeSink = new LatchSink();
            LatchSink smallSink = new LatchSink();
            timed.call(() -> {
                timed.add(large);
                timed.add(small);
                large.submit(request(9, 4), largeSink);
                small.submit(request(9, 40), smallSink);
            });
            largeSink.await();
            smallSink.await();
        }

        String steps = String.join("", order);
        assertThat(steps).hasSize(44);
        assertThat(steps.substring(0, steps.lastIndexOf('L'))).matches("(L?s{8,12}){3}");
    }

    /// An engine whose forward pass takes `durationNanos`.
    private Engine timed(ManualClock clock, List<String> order, String name, long durationNanos) {
        FakeRunner runner = new FakeRunner(64, 8, 1000, FakeRunner.Faults.NONE);
        runner.onForward(() -> {
            order.add(name);
            clock.advance(durationNanos);
        });
        return new Engine(
                new EngineOptions(4, 64, 200),
                runner,
                TinyVocabulary.TOKENIZER,
                new Surroundings(pool, EngineListener.NONE, clock));
    }

    /// Background work whose units leave a mark, and do what a test wants.
    private static final class Marks implements BackgroundWork {
        private final List<String> order;
        private final int units;
        private final Runnable during;
        private int done;
        private int closed;

        Marks(List<String> order, int units, Runnable during) {
            this.order = order;
            this.units = units;
            this.during = during;
        }

        @Override
        public boolean isDone() {
            return done == units;
        }

        @Override
        public void unit() {
            order.add("b");
            done++;
            during.run();
        }

        @Override
        public void close() {
            closed++;
        }
    }

    /// A request that comes during a unit is served whole before the next one.
    @Test
    void doesBackgroundWorkOnlyWhileNoEngineHasAnyToDo() {
        List<String> order = new ArrayList<>();
        Engine engine = timed(new ManualClock(), order, "s", 1);
        loop.add(engine);
        AtomicInteger units = new AtomicInteger();
        Marks work = new Marks(order, 4, () -> {
            if (units.incrementAndGet() == 2) {
                engine.submit(request(9, 3), new LatchSink());
            }
        });

        loop.background(work).join();

        assertThat(String.join("", order)).isEqualTo("bbsssbb");
        assertThat(work.closed).isEqualTo(1);
    }

    /// A unit a second, for units of 10 ms between steps of 100 ms.
    @Test
    void givesBackgroundWorkAShareOfALoadThatNeverRests() throws InterruptedException {
        assertThat(underLoad(35, 10_000_000)).startsWith(("s".repeat(10) + "b").repeat(3));
    }

    /// A unit of 200 ms is followed by 19 times as much of serving.
    @Test
    void givesLongBackgroundUnitsATwentiethOfTheTime() throws InterruptedException {
        assertThat(underLoad(60, 200_000_000)).startsWith("s".repeat(10) + "b" + "s".repeat(38) + "b");
    }

    /// The order of `steps` steps of 100 ms, one behind the other, and units of `unitNanos`.
    private String underLoad(int steps, long unitNanos) throws InterruptedException {
        List<String> order = new ArrayList<>();
        ManualClock clock = new ManualClock();
        Marks work = new Marks(order, Integer.MAX_VALUE, () -> clock.advance(unitNanos));
        try (var timed = new EngineLoop(clock)) {
            Engine engine = timed(clock, order, "s", 100_000_000);
            LatchSink sink = new LatchSink();
            List<CompletableFuture<Void>> done = new ArrayList<>();
            timed.call(() -> {
                timed.add(engine);
                engine.submit(request(9, steps), sink);
                done.add(timed.background(work));
            });
            sink.await();
            timed.cancel(work);
            assertThat(done.getFirst()).isCancelled();
        }
        return String.join("", order);
    }

    @Test
    void endsBackgroundWorkBeforeItReturnsFromCancelling() {
        Marks work = new Marks(new ArrayList<>(), Integer.MAX_VALUE, () -> {});
        var done = loop.background(work);

        loop.cancel(work);

        assertThat(work.closed).isEqualTo(1);
        assertThat(done).isCancelled();
        loop.cancel(work);
        assertThat(work.closed).isEqualTo(1);
    }

    @Test
    void doesBackgroundWorkInTheOrderGiven() {
        List<String> order = new ArrayList<>();
        List<CompletableFuture<Void>> done = new ArrayList<>();
        Marks second = new Marks(order, 1, () -> order.add("second"));
        loop.call(() -> {
            done.add(loop.background(new Marks(order, 2, () -> order.add("first"))));
            done.add(loop.background(second));
        });

        done.getLast().join();

        assertThat(order).containsExactly("b", "first", "b", "first", "b", "second");
        assertThat(done.getFirst()).isCompleted();
    }

    @Test
    void endsBackgroundWorkThatFailsAndServesOn() throws InterruptedException {
        Engine engine = engine();
        Marks work = new Marks(new ArrayList<>(), 4, () -> {
            throw new IllegalStateException("a broken weight");
        });

        assertThatThrownBy(() -> loop.background(work).join()).hasRootCauseMessage("a broken weight");

        assertThat(work.closed).isEqualTo(1);
        LatchSink sink = new LatchSink();
        engine.submit(request(9, 5), sink);
        assertThat(sink.await().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void dropsBackgroundWorkThatIsCancelled() {
        List<String> order = new ArrayList<>();
        Marks work = new Marks(order, Integer.MAX_VALUE, () -> {});
        Marks next = new Marks(order, 1, () -> {});

        loop.background(work).cancel(true);
        loop.background(next).join();

        assertThat(work.closed).isEqualTo(1);
        assertThat(work.isDone()).isFalse();
    }

    @Test
    void failsBackgroundWorkWhenClosed() {
        Marks work = new Marks(new ArrayList<>(), Integer.MAX_VALUE, () -> {});
        var done = loop.background(work);

        loop.close();

        assertThatThrownBy(done::join).hasCauseInstanceOf(Internal.class);
        assertThat(work.closed).isEqualTo(1);
        assertThatThrownBy(() -> loop.background(work)).isInstanceOf(Internal.class);
    }
}
