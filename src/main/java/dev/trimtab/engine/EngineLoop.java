package dev.trimtab.engine;

import dev.trimtab.engine.background.BackgroundWork;
import dev.trimtab.error.Internal;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/// The one thread that owns every local engine and picks whose step is next. It is one of the compute pool's
/// workers (the caller of kernels). A fault in one engine ends that engine's work, not the loop.
///
/// The next step is that of the engine whose work is due first: `due = ready + lastStep`, where `ready` is
/// when its previous step ended, or its work arrived, and `lastStep` how long that step took. So an engine
/// waits for others about as long as it makes them wait: a small model steps many times between two steps of
/// a large one, and the large one still comes due. A unit of background work comes when no engine has a step to
/// run, so a request waits for one unit at most; under load that never rests it gets a twentieth of the time.
/// With nothing to do the thread is parked and costs nothing.
public final class EngineLoop implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EngineLoop.class.getName());

    /// When every engine with work waits for memory that none of them can free (somebody outside the loop
    /// holds it), look again this often.
    private static final long STARVED_PARK_NANOS = 1_000_000;

    /// Under load the next unit of background work is due so long after the last: a thousand units, which measuring
    /// a variant stays well below, then take a quarter of an hour, and a client sees one longer gap a second.
    private static final long BACKGROUND_WAIT_NANOS = 1_000_000_000;

    /// And so many times as long as the last unit took, where that is longer: no more than a twentieth of the time.
    private static final long BACKGROUND_WAIT_UNITS = 19;

    /// An engine and when its next step is due.
    private static final class Turn {
        final Engine engine;
        boolean idle = true;
        boolean starved;
        long readyNanos;
        long lastStepNanos;

        Turn(Engine engine) {
            this.engine = engine;
        }

        long dueNanos() {
            return readyNanos + lastStepNanos;
        }
    }

    private record Task(Runnable work, CompletableFuture<Void> done) {}

    private record Background(BackgroundWork work, CompletableFuture<Void> done) {}

    private final LongSupplier nanoClock;
    private final ConcurrentLinkedQueue<Task> tasks = new ConcurrentLinkedQueue<>();
    private final List<Turn> turns = new ArrayList<>();
    private final Deque<Background> backgrounds = new ArrayDeque<>();
    private final Thread thread;
    private long backgroundDueNanos;
    private volatile boolean closed;

    /// Starts the thread.
    public EngineLoop() {
        this(System::nanoTime);
    }

    EngineLoop(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.thread = Thread.ofPlatform().name("trimtab-engine").daemon().unstarted(this::run);
        thread.start();
    }

    /// Starts serving `engine`.
    public void add(Engine engine) {
        call(() -> {
            turns.add(new Turn(engine));
            engine.onWork(() -> LockSupport.unpark(thread));
        });
    }

    /// Stops serving `engine` and closes it on the engine thread, which fails what it still has; returns when
    /// done.
    public void remove(Engine engine) {
        if (closed) {
            awaitEnd();
            return;
        }
        call(() -> {
            turns.removeIf(turn -> turn.engine == engine);
            engine.close();
        });
    }

    /// Runs `task` on the engine thread between steps and waits for it: for work that needs the kernels, such
    /// as measuring a model. What it throws is thrown here. From the engine thread itself it runs at once.
    ///
    /// @throws Internal when the loop is closed
    public void call(Runnable task) {
        if (onThread()) {
            task.run();
            return;
        }
        var done = new CompletableFuture<Void>();
        tasks.add(new Task(task, done));
        LockSupport.unpark(thread);
        if (closed) {
            refuseTasks();
        }
        try {
            done.join();
        } catch (CompletionException failure) {
            throw rethrown(failure);
        }
    }

    /// Takes over `work` and runs it, behind what was given earlier, while no engine has anything to do; under
    /// load that never rests, a unit a second or a twentieth of the time, whichever is less.
    ///
    /// @return ends when the work does, with what it threw if it failed; cancelling it ends the work before its
    ///     next unit
    /// @throws Internal when the loop is closed
    public CompletableFuture<Void> background(BackgroundWork work) {
        var done = new CompletableFuture<Void>();
        call(() -> {
            if (backgrounds.isEmpty()) {
                backgroundDueNanos = nanoClock.getAsLong() + BACKGROUND_WAIT_NANOS;
            }
            backgrounds.add(new Background(work, done));
        });
        return done;
    }

    /// Ends `work` before its next unit and closes it, if it has not ended; returns when done. What waits for it is
    /// told by a [CancellationException].
    public void cancel(BackgroundWork work) {
        if (closed) {
            awaitEnd();
            return;
        }
        call(() -> backgrounds.stream()
                .filter(background -> background.work().equals(work))
                .findFirst()
                .ifPresent(found -> {
                    backgrounds.remove(found);
                    end(found, new CancellationException("background work was cancelled"));
                }));
    }

    private static RuntimeException rethrown(CompletionException failure) {
        return switch (failure.getCause()) {
            case RuntimeException cause -> cause;
            case Error cause -> throw cause;
            case null, default -> failure;
        };
    }

    /// Fails what the engines still have, closes them and ends the thread.
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        awaitEnd();
    }

    private void awaitEnd() {
        boolean interrupted = false;
        while (thread.isAlive() && !onThread()) {
            try {
                thread.join();
            } catch (InterruptedException interruption) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean onThread() {
        return Thread.currentThread().equals(thread);
    }

    private void run() {
        while (!closed) {
            for (Task task = tasks.poll(); task != null; task = tasks.poll()) {
                run(task);
            }
            stepOrPark();
        }
        for (Turn turn : turns) {
            close(turn.engine);
        }
        while (!backgrounds.isEmpty()) {
            end(backgrounds.poll(), new Internal("the engine loop is closed"));
        }
        refuseTasks();
    }

    private void stepOrPark() {
        int next = -1;
        boolean starved = false;
        for (int i = 0; i < turns.size(); i++) {
            Turn turn = turns.get(i);
            if (!turn.engine.hasWork()) {
                turn.idle = true;
                continue;
            }
            if (turn.idle) {
                turn.idle = false;
                turn.starved = false;
                turn.readyNanos = nanoClock.getAsLong();
            }
            starved |= turn.starved;
            if (!turn.starved && (next < 0 || turn.dueNanos() - turns.get(next).dueNanos() < 0)) {
                next = i;
            }
        }
        if (next >= 0 && !isBackgroundDue()) {
            step(turns.get(next));
        } else if (!backgrounds.isEmpty()) {
            advance(backgrounds.peek());
            unstarve();
        } else if (starved) {
            LockSupport.parkNanos(STARVED_PARK_NANOS);
            unstarve();
        } else {
            LockSupport.park();
        }
        Thread.interrupted(); // nobody has a reason to interrupt this thread, and interrupted it could not park
    }

    /// Whether it is the turn of background work though engines have steps to run.
    private boolean isBackgroundDue() {
        return !backgrounds.isEmpty() && nanoClock.getAsLong() - backgroundDueNanos >= 0;
    }

    private void step(Turn turn) {
        long startNanos = nanoClock.getAsLong();
        try {
            if (turn.engine.step()) {
                unstarve();
            } else {
                turn.starved = turn.engine.isStarved();
            }
        } catch (Throwable fault) {
            LOG.log(Level.ERROR, "an engine failed outside its step and is served no more", fault);
            turns.remove(turn);
            close(turn.engine);
        }
        turn.readyNanos = nanoClock.getAsLong();
        turn.lastStepNanos = turn.readyNanos - startNanos;
    }

    /// One unit of the first background work.
    private void advance(Background background) {
        try {
            if (!background.done().isDone() && !background.work().isDone()) {
                long startNanos = nanoClock.getAsLong();
                background.work().unit();
                long endNanos = nanoClock.getAsLong();
                backgroundDueNanos =
                        endNanos + Math.max(BACKGROUND_WAIT_NANOS, BACKGROUND_WAIT_UNITS * (endNanos - startNanos));
                return;
            }
            backgrounds.remove();
            background.work().close();
            background.done().complete(null);
        } catch (Throwable fault) {
            backgrounds.remove(background);
            end(background, fault);
        }
    }

    private static void end(Background background, Throwable fault) {
        try {
            background.work().close();
        } catch (Throwable second) {
            LOG.log(Level.ERROR, "background work failed while it was closed", second);
        }
        background.done().completeExceptionally(fault);
    }

    private void unstarve() {
        for (int i = 0; i < turns.size(); i++) {
            turns.get(i).starved = false;
        }
    }

    private static void close(Engine engine) {
        try {
            engine.close();
        } catch (Throwable fault) {
            LOG.log(Level.ERROR, "an engine failed while it was closed", fault);
        }
    }

    private void run(Task task) {
        try {
            task.work().run();
            task.done().complete(null);
        } catch (Throwable fault) {
            task.done().completeExceptionally(fault);
        }
    }

    private void refuseTasks() {
        for (Task task = tasks.poll(); task != null; task = tasks.poll()) {
            task.done().completeExceptionally(new Internal("the engine loop is closed"));
        }
    }
}
