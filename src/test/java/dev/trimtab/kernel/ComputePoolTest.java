package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.Internal;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ComputePoolTest {
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "2, 1, 1", "2, 7, 1", "3, 1000, 7", "4, 4097, 32", "2, 0, 5", "8, 3, 1"})
    void coversEveryIndexOnce(int threads, int count, int grain) {
        var visits = new AtomicIntegerArray(Math.max(1, count));

        try (var pool = new ComputePool(threads)) {
            pool.run(count, grain, (from, to) -> {
                assertThat(from % grain).isZero();
                for (int i = from; i < to; i++) {
                    visits.incrementAndGet(i);
                }
            });
        }

        for (int i = 0; i < count; i++) {
            assertThat(visits.get(i)).isOne();
        }
    }

    /// Long stretches first, then shorter ones, so that no thread waits for more than a grain of another's.
    @Test
    void givesOutChunksThatShrink() {
        var lengths = new ConcurrentSkipListMap<Integer, Integer>();

        try (var pool = new ComputePool(2)) {
            pool.run(1000, 8, (from, to) -> lengths.put(from, to - from));
        }

        assertThat(lengths.firstEntry().getValue()).isEqualTo(248);
        assertThat(List.copyOf(lengths.values())).isSortedAccordingTo(Comparator.reverseOrder());
        assertThat(lengths.lastEntry().getValue()).isLessThanOrEqualTo(8);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void survivesManyTinyRuns(int threads) {
        int[] cells = new int[3];
        int runs = 50_000;

        try (var pool = new ComputePool(threads)) {
            for (int run = 0; run < runs; run++) {
                pool.run(cells.length, 1, (from, to) -> {
                    for (int i = from; i < to; i++) {
                        cells[i]++;
                    }
                });
            }
        }

        assertThat(cells).containsOnly(runs);
    }

    /// A worker that still looks for a chunk of a run when the next, longer one begins must not take what it
    /// finds there for its own: the chunk would run twice, and the run end before its last one is done.
    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void keepsRunsOfGrowingLengthApart(int threads) {
        var visits = new AtomicIntegerArray(3);
        int pairs = 500_000;
        int unfinished = 0;
        ComputePool.Body visit = (from, to) -> {
            for (int i = from; i < to; i++) {
                visits.incrementAndGet(i);
            }
        };

        try (var pool = new ComputePool(threads)) {
            for (int pair = 1; pair <= pairs; pair++) {
                pool.run(2, 1, visit);
                pool.run(3, 1, visit);
                unfinished += visits.get(2) < pair ? 1 : 0;
            }
        }

        assertThat(unfinished).isZero();
        assertThat(visits).hasToString("[%d, %d, %d]".formatted(2 * pairs, 2 * pairs, pairs));
    }

    @Test
    void wakesWorkersThatHaveParked() {
        var names = new java.util.HashSet<String>();

        try (var pool = new ComputePool(2)) {
            for (int round = 0; round < 3; round++) {
                LockSupport.parkNanos(2_000_000);
                var both = new CountDownLatch(2);
                pool.run(2, 1, (from, to) -> {
                    synchronized (names) {
                        names.add(Thread.currentThread().getName());
                    }
                    both.countDown();
                    awaitUninterrupted(both);
                });
            }
        }

        assertThat(names).hasSize(2).contains("kernel-1");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void rethrowsTheFirstFailureOnTheCallerAndServesOn(int threads) {
        try (var pool = new ComputePool(threads)) {
            var failure = new IllegalStateException("chunk failed");

            assertThatThrownBy(() -> pool.run(100, 1, (_, to) -> {
                        if (to > 50) {
                            throw failure;
                        }
                    }))
                    .isSameAs(failure);

            var done = new AtomicInteger();
            pool.run(100, 1, (from, to) -> done.addAndGet(to - from));
            assertThat(done).hasValue(100);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void refusesRunInsideRun(int threads) {
        try (var pool = new ComputePool(threads)) {
            assertThatThrownBy(() -> pool.run(4, 1, (_, _) -> pool.run(4, 1, (_, _) -> {})))
                    .isInstanceOf(Internal.class)
                    .hasMessageContaining("inside a run");
        }
    }

    @Test
    void refusesRunAfterClose() {
        var pool = new ComputePool(2);
        pool.close();
        pool.close();

        assertThatThrownBy(() -> pool.run(4, 1, (_, _) -> {}))
                .isInstanceOf(Internal.class)
                .hasMessageContaining("after close");
    }

    @Test
    void servesSeveralCallersOneAtATime() throws Exception {
        var inside = new AtomicInteger();
        var total = new AtomicInteger();

        try (var pool = new ComputePool(1);
                ExecutorService callers = Executors.newFixedThreadPool(3)) {
            Runnable caller = () -> {
                for (int i = 0; i < 200; i++) {
                    pool.run(10, 10, (from, to) -> {
                        assertThat(inside.incrementAndGet()).isOne();
                        total.addAndGet(to - from);
                        inside.decrementAndGet();
                    });
                }
            };
            Future<?> first = callers.submit(caller);
            Future<?> second = callers.submit(caller);
            first.get();
            second.get();
        }

        assertThat(total).hasValue(4000);
    }

    @Test
    void takesNoMoreThreadsThanProcessors() {
        assertThat(ComputePool.defaultThreads())
                .isBetween(1, Runtime.getRuntime().availableProcessors());
        assertThat(ComputePool.physicalCores()).isPositive();
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }
}
