package dev.trimtab.api.http;

import java.time.Clock;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// What the edge takes from its process.
///
/// - `ids`: unique suffixes of request and completion ids
/// - `workers`: runs what is too long for the event loop; one virtual thread a task
/// - `metricsPage`: the text of `GET /metrics`, made on a worker
/// - `audit`: hears administrative actions
public record Surroundings(
        LongSupplier nanoClock,
        Clock wallClock,
        Supplier<String> ids,
        Executor workers,
        Supplier<String> metricsPage,
        AuditLog audit) {
    /// The system's clocks, random ids, virtual threads.
    public static Surroundings system(Supplier<String> metricsPage) {
        return new Surroundings(
                System::nanoTime,
                Clock.systemUTC(),
                Surroundings::randomId,
                task -> Thread.startVirtualThread(task),
                metricsPage,
                AuditLog.system());
    }

    // Ids need to be unique, not secret.
    private static String randomId() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        return String.format("%016x%08x", random.nextLong(), random.nextInt());
    }
}
