package dev.trimtab.app;

import dev.trimtab.engine.GenerationRequest;
import dev.trimtab.engine.SamplingOptions;
import dev.trimtab.engine.StopCondition;
import dev.trimtab.engine.TokenEvent;
import dev.trimtab.error.Internal;
import dev.trimtab.error.NotFound;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.variant.Prompts;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// Clients that ask one variant after the other, as requests do: by name, and whatever happens meanwhile.
/// Short requests and some that outlast a drain.
final class SoakTraffic implements AutoCloseable {
    private static final int SHORT_TOKENS = 8;
    private static final int LONG_TOKENS = 400;

    /// How soon a client that was refused asks again: impatient, but not all it does.
    private static final long RETRY_NANOS = 5_000_000;

    /// One in so many is long.
    private static final int LONG_EVERY = 7;

    private final VariantRegistry registry;
    private final List<String> names;
    private final AtomicLong finished = new AtomicLong();
    private final AtomicLong told = new AtomicLong();
    private final Map<String, Semaphore> submitted = new ConcurrentHashMap<>();
    private final Map<String, AtomicLong> reasons = new ConcurrentSkipListMap<>();
    private final List<Throwable> unexplained = new CopyOnWriteArrayList<>();
    private final List<Thread> clients = new ArrayList<>();
    private volatile boolean stopped;

    SoakTraffic(VariantRegistry registry, List<String> names) {
        this.registry = registry;
        this.names = names;
        names.forEach(name -> submitted.put(name, new Semaphore(0)));
    }

    void start(int count) {
        for (int i = 0; i < count; i++) {
            int first = i;
            clients.add(Thread.ofPlatform().name("soak-" + i).start(() -> ask(first)));
        }
    }

    /// Waits until `count` more requests have been taken by the variant `name`; returns at once when there are
    /// no clients.
    void awaitRequests(String name, int count) {
        if (!clients.isEmpty()) {
            Semaphore taken = taken(name);
            taken.drainPermits();
            taken.acquireUninterruptibly(count);
        }
    }

    private Semaphore taken(String name) {
        return Objects.requireNonNull(submitted.get(name));
    }

    long finished() {
        return finished.get();
    }

    /// Requests that were refused, or failed on their way, and told why.
    long told() {
        return told.get();
    }

    Map<String, AtomicLong> reasons() {
        return reasons;
    }

    /// What no request should ever hear.
    List<Throwable> unexplained() {
        return unexplained;
    }

    void stop() {
        stopped = true;
        for (Thread client : clients) {
            try {
                client.join();
            } catch (InterruptedException e) {
                throw new Internal("interrupted while clients end", e);
            }
        }
    }

    @Override
    public void close() {
        stop();
    }

    private void ask(int first) {
        for (int i = first; !stopped; i++) {
            String name = names.get(i % names.size());
            try {
                Variant variant = registry.get(name);
                int tokens = i % LONG_EVERY == 0 ? LONG_TOKENS : SHORT_TOKENS;
                StopCondition stop = new StopCondition(tokens, List.of(), Set.of(), true);
                var end = new CompletableFuture<TokenEvent>();
                var _ = variant.submit(
                        new GenerationRequest(
                                "soak-" + i, Prompts.text(variant, "Once upon a time"), SamplingOptions.GREEDY, stop),
                        event -> hear(event, end));
                taken(name).release();
                if (end.join() instanceof TokenEvent.Failed(TrimtabException error)) {
                    throw error;
                }
                finished.incrementAndGet();
            } catch (NotFound | Overloaded explained) {
                told.incrementAndGet();
                String reason = String.valueOf(explained.getMessage());
                reasons.computeIfAbsent(reason, _ -> new AtomicLong()).incrementAndGet();
                LockSupport.parkNanos(RETRY_NANOS);
            } catch (RuntimeException | Error fault) {
                unexplained.add(fault);
            }
        }
    }

    private static void hear(TokenEvent event, CompletableFuture<TokenEvent> end) {
        switch (event) {
            case TokenEvent.Delta _, TokenEvent.PromptScored _ -> {}
            case TokenEvent.Finished _, TokenEvent.Failed _ -> end.complete(event);
        }
    }
}
