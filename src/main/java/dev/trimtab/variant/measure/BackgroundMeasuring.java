package dev.trimtab.variant.measure;

import dev.trimtab.engine.EngineLoop;
import dev.trimtab.error.Internal;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.variant.Measured;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.life.VariantOrder;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;

/// Measures fresh variants, one after the other in the order they came, once the process has started: what is
/// found makes each ready or quarantined. All computing is background work of the engine loop.
///
/// - A variant that is to go is not measured any more; who lets it go waits until nothing of it is used.
/// - A fault of the variant (logits that are no numbers) quarantines it. A fault elsewhere (a base that does not fit
///   in memory, a text that is gone) is logged and leaves it unmeasured, serving as before.
///
/// There are at most as many waiting as there are variants.
public final class BackgroundMeasuring implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(BackgroundMeasuring.class.getName());

    private final VariantRegistry registry;
    private final EngineLoop loop;
    private final Examination examination;
    private final CompletableFuture<Void> started = new CompletableFuture<>();
    private final ExecutorService worker = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("trimtab-measure").daemon().factory());
    private final Map<String, Job> jobs = new ConcurrentHashMap<>();
    private volatile boolean closed;

    public BackgroundMeasuring(VariantRegistry registry, EngineLoop loop, Examination examination) {
        this.registry = registry;
        this.loop = loop;
        this.examination = examination;
        worker.execute(started::join);
    }

    /// Begins with what waits: the process has started.
    public void start() {
        started.complete(null);
    }

    /// Queues the measuring of `variant`, which serves already. Without effect once this is closed.
    void begin(VariantOrder order, Variant variant) {
        Job job = new Job(loop);
        jobs.put(order.name(), job);
        try {
            worker.execute(() -> run(order, variant, job));
        } catch (RejectedExecutionException _) {
            jobs.remove(order.name(), job);
        }
    }

    /// The variant of `order` is what was `found`, now or when its lock was written.
    void found(VariantOrder order, Measured found) {
        registry.measured(order.name(), found);
        log(order.name(), found);
    }

    /// Ends the measuring of `name`, if there is one; returns when nothing of the variant is used any more.
    void cancel(String name) {
        Job job = jobs.remove(name);
        if (job != null) {
            job.cancel();
        }
    }

    /// Ends when all that was begun before has ended.
    CompletableFuture<Void> settled() {
        return CompletableFuture.runAsync(() -> {}, worker);
    }

    private void run(VariantOrder order, Variant variant, Job job) {
        if (closed || !job.begin()) {
            return;
        }
        String name = order.name();
        try {
            Measured found = examination.examine(order, variant, job);
            found(order, found);
            LockedFigures.keep(order, found);
        } catch (CancellationException _) {
            LOG.log(Level.DEBUG, "the measuring of variant {0} was cancelled", name);
        } catch (Throwable fault) {
            explain(name, fault);
        } finally {
            jobs.remove(name, job);
            job.end();
        }
    }

    private static void log(String name, Measured found) {
        String missed =
                found.missedGate().or(found::warning).map(gate -> " " + gate).orElse("");
        LOG.log(
                missed.isEmpty() ? Level.INFO : Level.WARNING,
                "measured variant=" + name + " state=" + found.state().word() + " same_top="
                        + (found.quality().isPresent() ? found.quality().getAsDouble() : "unknown") + missed);
    }

    private static void explain(String name, Throwable fault) {
        if (fault instanceof TrimtabException known && !(fault instanceof Internal)) {
            String message = String.valueOf(known.getMessage()).replaceAll("\\p{Cntrl}", " ");
            LOG.log(Level.WARNING, "variant " + name + " stays unmeasured: " + message);
        } else {
            LOG.log(Level.ERROR, "variant " + name + " stays unmeasured", fault);
        }
    }

    /// Cancels what runs and what waits.
    @Override
    public void close() {
        closed = true;
        worker.shutdown();
        List.copyOf(jobs.keySet()).forEach(this::cancel);
        start();
        worker.close();
    }
}
