package dev.trimtab.kernel;

import dev.trimtab.error.Internal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The process's worker threads for kernels, one per physical core, the caller being one of them.
///
/// A run is a range of which the caller and the workers claim one chunk after the other, so that a core which a
/// neighbour slows down takes less of it; chunks shrink with what is left (guided self-scheduling, Polychronopoulos
/// and Kuck 1987), so that all threads end within the last few grains. Everything about a run is in its own object,
/// published
/// by one volatile write: a worker that comes late, or that was interrupted between two chunks, holds a run
/// that has none left and can touch nothing of the next, so nobody waits for a worker that took no chunk. A
/// worker spins for [#SPIN_NANOS] after its last chunk and parks then.
///
/// Any thread may call [#run]; runs of several callers are served one at a time in order of arrival. A body
/// must not call [#run] itself. What the caller wrote before [#run] is visible to the body, and what the body
/// wrote to the caller afterwards and to the bodies of later runs.
public final class ComputePool implements AutoCloseable {
    /// A piece of work over `[from, to)`.
    @FunctionalInterface
    public interface Body {
        void run(int from, int to);
    }

    /// How long an idle worker spins before it parks: longer than the gap between two kernels of a step
    /// (microseconds), far shorter than what an idle process would notice. Waking a parked thread costs 10
    /// microseconds or more.
    private static final long SPIN_NANOS = 60_000;

    /// Spin rounds between two looks at the clock.
    private static final int SPIN_ROUNDS = 64;

    /// A chunk is this part of a thread's share of what is left: small enough for a slow core to pass work on,
    /// large enough that memory is read in long stretches.
    private static final int SHARE_PARTS = 2;

    /// More than any machine has cores; a larger number is a slip of the caller.
    private static final int THREADS_MAX = 1024;

    /// What a new pool's workers have done already.
    private static final Run NONE = new Run((_, _) -> {}, 0, 1, 1);

    /// Ends the workers.
    private static final Run CLOSED = new Run((_, _) -> {}, 0, 1, 1);

    private final int threads;
    private final Worker[] workers;
    private final ReentrantLock turn = new ReentrantLock(true);

    /// The run in progress, or the last one.
    private volatile Run current = NONE;

    /// Starts `threads - 1` workers.
    public ComputePool(int threads) {
        if (threads < 1 || threads > THREADS_MAX) {
            throw new Internal("compute pool: 1.." + THREADS_MAX + " threads expected, found " + threads);
        }
        this.threads = threads;
        this.workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
        }
        for (Worker worker : workers) {
            worker.start();
        }
    }

    /// One thread for each physical core this process may use, no more than a cgroup's quota grants.
    public static int defaultThreads() {
        return Math.max(1, Math.min(physicalCores(), Runtime.getRuntime().availableProcessors()));
    }

    /// Cores with their own execution units: logical processors that share a core count once. Where the
    /// system does not tell, every processor counts.
    public static int physicalCores() {
        Path cpus = Path.of("/sys/devices/system/cpu");
        Set<String> cores = new HashSet<>();
        try (Stream<Path> entries = Files.list(cpus)) {
            for (Path cpu : (Iterable<Path>) entries::iterator) {
                Path siblings = cpu.resolve("topology/thread_siblings_list");
                if (Files.isReadable(siblings)) {
                    cores.add(Files.readString(siblings).strip());
                }
            }
        } catch (IOException | UncheckedIOException _) {
            cores.clear();
        }
        return cores.isEmpty() ? Runtime.getRuntime().availableProcessors() : cores.size();
    }

    public int threads() {
        return threads;
    }

    /// Inside a body: the number of the thread that runs it, from 0 to [#threads()] - 1 and the same for no
    /// two at a time, by which a body finds its thread's buffers.
    public static int worker() {
        return Thread.currentThread() instanceof Worker worker ? worker.index : 0;
    }

    /// Runs `body` over `[0, count)` in chunks of a multiple of `grain`, on the caller and the workers;
    /// returns when all are done and rethrows the first failure, after which chunks not yet begun are
    /// skipped.
    ///
    /// @throws Internal from inside a body, or after [#close()]
    public void run(int count, int grain, Body body) {
        assert count >= 0 && grain > 0 : count + " " + grain;
        if (turn.isHeldByCurrentThread() || Thread.currentThread() instanceof Worker) {
            throw new Internal("compute pool: run called inside a run");
        }
        turn.lock();
        try {
            if (current == CLOSED) {
                throw new Internal("compute pool: run called after close");
            }
            if (workers.length == 0 || count <= grain) {
                runAlone(count, body);
            } else {
                runShared(count, grain, body);
            }
        } finally {
            turn.unlock();
        }
    }

    private static void runAlone(int count, Body body) {
        if (count > 0) {
            body.run(0, count);
        }
    }

    private void runShared(int count, int grain, Body body) {
        Run run = new Run(body, count, grain, threads * SHARE_PARTS);
        publish(run);
        run.claimChunks();
        run.awaitLast();
        run.rethrowFailure();
    }

    private void publish(Run run) {
        current = run;
        for (Worker worker : workers) {
            worker.wake();
        }
    }

    /// Ends the workers after the run in progress. Idempotent; not from inside a body.
    @Override
    public void close() {
        turn.lock();
        try {
            publish(CLOSED);
        } finally {
            turn.unlock();
        }
        for (Worker worker : workers) {
            joinUninterrupted(worker);
        }
    }

    private static void joinUninterrupted(Thread worker) {
        boolean interrupted = false;
        while (worker.isAlive()) {
            try {
                worker.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// One run: the work, which never changes, and how far it is. A new object each time, because fields of
    /// the pool would change under a worker that is still looking for a chunk of the run before.
    private static final class Run {
        private final Body body;
        private final int count;
        private final int grain;
        private final int parts;

        /// Where the next chunk begins.
        private final AtomicInteger next = new AtomicInteger();

        /// Elements not done. The last write to it comes after all that the bodies wrote.
        private final AtomicInteger remaining;

        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private volatile @Nullable Thread waiter;

        Run(Body body, int count, int grain, int parts) {
            this.body = body;
            this.count = count;
            this.grain = grain;
            this.parts = parts;
            this.remaining = new AtomicInteger(count);
        }

        void claimChunks() {
            for (int from = next.get(); from < count; from = next.get()) {
                int to = chunkEnd(from);
                if (next.compareAndSet(from, to)) {
                    runChunk(from, to);
                }
            }
        }

        private int chunkEnd(int from) {
            int left = count - from;
            return from + Math.min(left, Math.max(1, left / parts / grain) * grain);
        }

        private void runChunk(int from, int to) {
            try {
                if (failure.get() == null) {
                    body.run(from, to);
                }
            } catch (Throwable thrown) {
                failure.compareAndSet(null, thrown);
            } finally {
                if (remaining.addAndGet(from - to) == 0) {
                    LockSupport.unpark(waiter);
                }
            }
        }

        void awaitLast() {
            long deadline = System.nanoTime() + SPIN_NANOS;
            while (remaining.get() > 0) {
                for (int i = 0; i < SPIN_ROUNDS && remaining.get() > 0; i++) {
                    Thread.onSpinWait();
                }
                if (System.nanoTime() - deadline > 0) {
                    parkUntilLast();
                }
            }
        }

        /// `waiter` is written before `remaining` is read here, and `remaining` before `waiter` is read in
        /// [#runChunk]: one of the two sees the other.
        private void parkUntilLast() {
            waiter = Thread.currentThread();
            while (remaining.get() > 0) {
                LockSupport.park(this);
            }
        }

        void rethrowFailure() {
            switch (failure.get()) {
                case null -> {}
                case RuntimeException exception -> throw exception;
                case Error error -> throw error;
                case Throwable checked -> throw new Internal("compute pool: a body threw a checked exception", checked);
            }
        }
    }

    private final class Worker extends Thread {
        private final int index;
        private volatile boolean parked;

        Worker(int index) {
            super("kernel-" + index);
            this.index = index;
            setDaemon(true);
        }

        /// `current` is written before `parked` is read here, and `parked` before `current` is read in
        /// [#awaitAfter]: one of the two sees the other.
        void wake() {
            if (parked) {
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            for (Run run = awaitAfter(NONE); run != CLOSED; run = awaitAfter(run)) {
                run.claimChunks();
            }
        }

        private Run awaitAfter(Run last) {
            long deadline = System.nanoTime() + SPIN_NANOS;
            do {
                for (int i = 0; i < SPIN_ROUNDS; i++) {
                    Run seen = current;
                    if (seen != last) {
                        return seen;
                    }
                    Thread.onSpinWait();
                }
            } while (System.nanoTime() - deadline < 0);
            parked = true;
            Run seen = current;
            while (seen == last) {
                LockSupport.park(ComputePool.this);
                seen = current;
            }
            parked = false;
            return seen;
        }
    }
}
