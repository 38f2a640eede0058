package dev.trimtab.kernel;

import dev.trimtab.error.Internal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The process's worker threads for kernels, one per physical core, the caller being one of them.
///
/// A run is a range cut into chunks that the caller and the workers claim one after the other, so that a core
/// which a neighbour slows down takes fewer of them. The state of a run is one 64-bit ticket, generation and
/// next index together: a worker that comes late finds the generation closed and touches nothing, so nobody
/// waits for a worker that took no chunk. A worker spins for [#SPIN_NANOS] after its last chunk and parks
/// then; a run allocates nothing.
///
/// Any thread may call [#run]; runs of several callers are served one at a time in order of arrival. A body
/// must not call [#run] itself.
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

    /// Chunks for each thread: enough for a slow core to pass work on, few enough to claim cheaply.
    private static final int CHUNKS_PER_THREAD = 8;

    /// More than any machine has cores; a larger number is a slip of the caller.
    private static final int THREADS_MAX = 1024;

    private static final long CLOSED = -1;

    private final int threads;
    private final Worker[] workers;
    private final ReentrantLock turn = new ReentrantLock(true);

    /// Generation in the upper half, next unclaimed index in the lower; [#CLOSED] ends the workers.
    private final AtomicLong ticket = new AtomicLong();

    private final AtomicInteger remaining = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private volatile @Nullable Thread waiter;

    // Written before the ticket of a generation is published, stable until its last chunk is done.
    private Body body = (from, to) -> {};
    private int count;
    private int chunk;

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
            if (ticket.get() == CLOSED) {
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
        int grains = Math.ceilDiv(count, grain);
        this.body = body;
        this.count = count;
        this.chunk = grain * Math.max(1, grains / (threads * CHUNKS_PER_THREAD));
        remaining.set(count);
        long generation = ((ticket.get() >>> 32) + 1) & 0x7fff_ffffL;
        ticket.set(generation << 32);
        for (Worker worker : workers) {
            worker.wake();
        }
        claimChunks(generation);
        awaitLast();
        Throwable thrown = failure.getAndSet(null);
        if (thrown != null) {
            rethrow(thrown);
        }
    }

    /// Claims and runs chunks of `generation` until none is left. Fields read between the look at the ticket
    /// and the successful exchange belong to that generation: they change only after its last chunk, which
    /// moves the ticket.
    private void claimChunks(long generation) {
        while (true) {
            long seen = ticket.get();
            if (seen >>> 32 != generation) {
                return;
            }
            int from = (int) seen;
            int end = count;
            if (from >= end) {
                return;
            }
            int to = Math.min(end, from + chunk);
            if (ticket.compareAndSet(seen, (generation << 32) | to)) {
                runChunk(from, to);
            }
        }
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

    private void awaitLast() {
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

    private void parkUntilLast() {
        waiter = Thread.currentThread();
        while (remaining.get() > 0) {
            LockSupport.park(this);
        }
        waiter = null;
    }

    private static void rethrow(Throwable thrown) {
        switch (thrown) {
            case RuntimeException exception -> throw exception;
            case Error error -> throw error;
            default -> throw new Internal("compute pool: a body threw a checked exception", thrown);
        }
    }

    /// Ends the workers after the run in progress. Idempotent; not from inside a body.
    @Override
    public void close() {
        turn.lock();
        try {
            ticket.set(CLOSED);
            for (Worker worker : workers) {
                worker.wake();
            }
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

    private final class Worker extends Thread {
        private final int index;
        private volatile boolean parked;

        Worker(int index) {
            super("kernel-" + index);
            this.index = index;
            setDaemon(true);
        }

        /// The ticket is written before `parked` is read here, and `parked` before the ticket is read in
        /// [#awaitAfter]: one of the two sees the other.
        void wake() {
            if (parked) {
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            long generation = 0;
            while (true) {
                long seen = awaitAfter(generation);
                if (seen == CLOSED) {
                    return;
                }
                generation = seen >>> 32;
                claimChunks(generation);
            }
        }

        private long awaitAfter(long generation) {
            long deadline = System.nanoTime() + SPIN_NANOS;
            do {
                for (int i = 0; i < SPIN_ROUNDS; i++) {
                    long seen = ticket.get();
                    if (seen >>> 32 != generation) {
                        return seen;
                    }
                    Thread.onSpinWait();
                }
            } while (System.nanoTime() - deadline < 0);
            parked = true;
            long seen = ticket.get();
            while (seen >>> 32 == generation) {
                LockSupport.park(ComputePool.this);
                seen = ticket.get();
            }
            parked = false;
            return seen;
        }
    }
}
