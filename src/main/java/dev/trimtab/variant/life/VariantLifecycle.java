package dev.trimtab.variant.life;

import dev.trimtab.error.Conflict;
import dev.trimtab.error.Internal;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TrimtabException;
import dev.trimtab.variant.MemoryPlan;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantDeclaration.Pin;
import dev.trimtab.variant.VariantRegistry;
import dev.trimtab.variant.VariantRegistry.Slot;
import dev.trimtab.variant.VariantState;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/// Loads variants and lets them go while others serve.
///
/// - One load at a time, on a thread of its own, in the order they were asked for; the queue is bounded.
/// - Before a load its recipe is planned for its checkpoint, its lock and its adapters are looked at, and its
///   bytes predicted: what is refused then has cost nobody anything. Where they do not fit, idle variants that
///   are not pinned are evicted, the least recently used first; a load that would not fit even so evicts nothing
///   and is refused with the numbers.
/// - An unload refuses new requests at once, lets running ones finish, fails what is left after the drain
///   timeout, and only then stops the engine and frees the weights, in this order.
/// - A load that fails leaves nothing behind but its reason.
public final class VariantLifecycle implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(VariantLifecycle.class.getName());

    /// A load takes seconds or minutes; the queue frees a seat with each.
    private static final Duration RETRY_AFTER = Duration.ofSeconds(10);

    /// Limits.
    ///
    /// @param queueMax loads that may wait
    /// @param variantsMax variants there may be, in whatever state
    /// @param drainTimeout for running requests to finish in
    public record Options(int queueMax, int variantsMax, Duration drainTimeout) {
        /// Eight loads are minutes of work. Every variant is a series in each metric. Half a minute is what
        /// orchestrators give a process to stop in.
        public static final Options DEFAULTS = new Options(8, 64, Duration.ofSeconds(30));
    }

    /// Whether a load fits.
    ///
    /// @param evicted what would have to go for it, in this order
    /// @param refusal why it does not fit even so, with the numbers
    public record Room(List<String> evicted, Optional<String> refusal) {}

    private final VariantRegistry registry;
    private final VariantFactory factory;
    private final MemoryBudget budget;
    private final Options options;
    private final Drain drain;
    private final LifecycleListener listener;
    private final ThreadPoolExecutor loads;
    private final Map<String, VariantOrder> orders = new ConcurrentHashMap<>();
    private final Set<Ticket> unloads = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    public VariantLifecycle(
            VariantRegistry registry,
            VariantFactory factory,
            MemoryBudget budget,
            Options options,
            LifecycleListener listener) {
        this(registry, factory, budget, options, listener, Drain.of(options.drainTimeout()));
    }

    VariantLifecycle(
            VariantRegistry registry,
            VariantFactory factory,
            MemoryBudget budget,
            Options options,
            LifecycleListener listener,
            Drain drain) {
        this.registry = registry;
        this.factory = factory;
        this.budget = budget;
        this.options = options;
        this.drain = drain;
        this.listener = listener;
        this.loads = new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(options.queueMax()),
                Thread.ofPlatform().name("trimtab-variants").daemon().factory());
    }

    /// Queues a load. The variant is there from now on, loading.
    ///
    /// @throws Conflict when the name is taken, or there are too many variants
    /// @throws Overloaded when too many loads wait
    public Ticket load(VariantOrder order) {
        String name = order.name();
        if (registry.slots().size() >= options.variantsMax()) {
            throw new Conflict("at most " + options.variantsMax() + " variants expected; unload one first");
        }
        Ticket ticket = Ticket.of(name);
        registry.reserve(name, order.model(), ticket.progress());
        orders.put(name, order);
        try {
            loads.execute(() -> run(order, ticket));
        } catch (RejectedExecutionException e) {
            forget(name);
            throw closed
                    ? closing()
                    : overloaded("load_queue_full", "at most " + options.queueMax() + " loads may wait");
        }
        return ticket;
    }

    private static TrimtabException closing() {
        return overloaded("closing", "the process is being stopped");
    }

    private static TrimtabException overloaded(String reason, String message) {
        return new Overloaded(Overloaded.Scope.SERVER, reason, RETRY_AFTER, message);
    }

    private void run(VariantOrder order, Ticket ticket) {
        long startNanos = System.nanoTime();
        try {
            if (closed) {
                throw closing();
            }
            MemoryPlan.Demand demand = factory.demand(order);
            makeRoom(demand);
            serve(order, factory.load(order, ticket.progress()), startNanos);
            ticket.done().complete(null);
        } catch (Throwable fault) {
            budget.giveBack(order.name());
            orders.remove(order.name());
            registry.failed(order.name(), explain(order.name(), fault));
            listener.failed(order.name(), System.nanoTime() - startNanos);
            ticket.done().completeExceptionally(fault);
        }
    }

    private void serve(VariantOrder order, Variant variant, long startNanos) {
        try {
            registry.loaded(variant);
            LOG.log(Level.INFO, "loaded variant=" + variant.name() + " budget=" + budget);
            listener.loaded(variant, System.nanoTime() - startNanos);
            factory.served(order, variant);
        } catch (RuntimeException fault) {
            factory.unload(variant);
            throw fault;
        }
    }

    private static String explain(String name, Throwable fault) {
        if (fault instanceof TrimtabException known && !(fault instanceof Internal)) {
            String message = String.valueOf(known.getMessage());
            // It may quote names of files and tensors: one line stays one line.
            LOG.log(
                    Level.WARNING,
                    "variant " + name + " could not be loaded: " + message.replaceAll("\\p{Cntrl}", " "));
            return message;
        }
        LOG.log(Level.ERROR, "variant " + name + " could not be loaded", fault);
        return "an error of the server; the log has it";
    }

    /// Takes `demand` from the budget, after evicting what must go for it. On the loading thread, so that
    /// nobody else takes meanwhile.
    private void makeRoom(MemoryPlan.Demand demand) {
        Room room = room(demand);
        if (room.refusal().isPresent()) {
            throw new Conflict(room.refusal().get());
        }
        room.evicted().forEach(this::evict);
        long fixedBytes = demand.weightBytes() + demand.scratchBytes();
        budget.take(demand.name(), () -> fixedBytes + adapterBytes(demand));
    }

    /// Of the adapters over it; of those that were declared until it is there.
    private long adapterBytes(MemoryPlan.Demand demand) {
        return registry.find(demand.name())
                .flatMap(Slot::variant)
                .map(variant -> variant.adapters().sizeBytes())
                .orElse(demand.adapterBytes());
    }

    /// What a load of `demand` would find now.
    public Room room(MemoryPlan.Demand demand) {
        Optional<String> noKv = budget.kvRefusal(demand);
        if (noKv.isPresent()) {
            return new Room(List.of(), noKv);
        }
        long need = MemoryBudget.bytesOf(demand);
        long free = budget.freeBytes();
        List<String> evicted = new ArrayList<>();
        for (Slot slot : evictable()) {
            if (need <= free) {
                break;
            }
            evicted.add(slot.name());
            free += budget.takenBytes(slot.name());
        }
        return need <= free
                ? new Room(evicted, Optional.empty())
                : new Room(
                        List.of(),
                        Optional.of("`" + demand.name() + "` needs " + MemoryPlan.readable(need)
                                + " for weights, scratch and adapters, of which "
                                + MemoryPlan.readable(Math.max(0, free))
                                + " could be freed (" + budget + "); unload a variant first"));
    }

    /// What may have to go, the least recently used first.
    private List<Slot> evictable() {
        return registry.slots().stream()
                .filter(slot -> !isPinned(slot.name()))
                .filter(slot -> slot.variant().filter(Drain::isIdle).isPresent())
                .filter(slot -> !(slot.state() instanceof VariantState.Draining))
                .sorted(Comparator.comparingLong(VariantLifecycle::lastUsedMillis))
                .toList();
    }

    /// One that was never used counts from its load.
    private static long lastUsedMillis(Slot slot) {
        long loadedMillis = slot.variant().map(Variant::createdEpochSeconds).orElse(0L) * 1_000;
        return Math.max(loadedMillis, slot.lastUsedMillis().get());
    }

    /// Whether `name` is never evicted: declared so, or what its model's name stands for.
    public boolean isPinned(String name) {
        VariantOrder order = orders.get(name);
        return registry.isDefault(name) || order == null || order.variant().pin() == Pin.PINNED;
    }

    /// The order that `name` was loaded by.
    Optional<VariantOrder> order(String name) {
        return Optional.ofNullable(orders.get(name));
    }

    private void evict(String name) {
        try {
            letGo(name, registry.drain(name), LifecycleListener.Cause.EVICTED);
        } catch (TrimtabException goingAlready) {
            LOG.log(Level.DEBUG, "variant " + name + " goes without being evicted", goingAlready);
        }
    }

    /// Drains `name` and lets go of it, on a thread of its own; new requests are refused from now on.
    ///
    /// @throws dev.trimtab.error.NotFound when there is no such variant
    /// @throws Conflict when it is being loaded, or unloaded already
    public Ticket unload(String name) {
        Ticket ticket = Ticket.of(name);
        Optional<Variant> variant = registry.drain(name);
        unloads.add(ticket);
        Thread.ofVirtual().name("trimtab-unload").start(() -> {
            try {
                letGo(name, variant, LifecycleListener.Cause.REQUESTED);
                ticket.done().complete(null);
            } catch (RuntimeException | Error fault) {
                ticket.done().completeExceptionally(fault);
            } finally {
                unloads.remove(ticket);
            }
        });
        return ticket;
    }

    private void letGo(String name, Optional<Variant> variant, LifecycleListener.Cause cause) {
        try {
            if (variant.isPresent()) {
                if (!drain.await(variant.get(), () -> closed)) {
                    LOG.log(Level.WARNING, "variant " + name + " still had requests; they are failed");
                }
                factory.unload(variant.get());
                listener.unloaded(name, cause);
                LOG.log(Level.INFO, "unloaded variant=" + name + " cause=" + cause.word());
            }
        } finally {
            budget.giveBack(name);
            forget(name);
        }
    }

    private void forget(String name) {
        orders.remove(name);
        registry.remove(name);
    }

    public MemoryBudget budget() {
        return budget;
    }

    /// Waits for the load that is being done, refuses those that wait, and lets every variant go at once,
    /// failing what still runs.
    @Override
    public void close() {
        closed = true;
        loads.close();
        for (Ticket ticket : List.copyOf(unloads)) {
            ticket.done().exceptionally(_ -> null).join();
        }
        for (Slot slot : registry.slots()) {
            letGo(slot.name(), slot.variant(), LifecycleListener.Cause.REQUESTED);
        }
    }
}
