package dev.trimtab.variant.life;

import dev.trimtab.engine.EngineStatus;
import dev.trimtab.variant.Variant;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/// Waits for a variant that takes no more requests to have none left.
///
/// @param timeout after which what still runs is failed
/// @param pause lets time pass
record Drain(Duration timeout, LongSupplier nanoClock, Consumer<Duration> pause) {
    /// Between two looks. A sequence that ends is noticed soon enough, and looking costs nothing.
    private static final Duration INTERVAL = Duration.ofMillis(10);

    /// Looks in a row that must find nothing: a request that had found the variant before it was closed to
    /// others may be about to submit, and an engine's figures are not of one moment.
    private static final int IDLE_LOOKS = 3;

    /// With the system's clock.
    static Drain of(Duration timeout) {
        return new Drain(timeout, System::nanoTime, interval -> LockSupport.parkNanos(interval.toNanos()));
    }

    /// True when nothing is left, false when the timeout came first, or `hurry`.
    boolean await(Variant variant, BooleanSupplier hurry) {
        long startNanos = nanoClock.getAsLong();
        for (int idleLooks = 0; idleLooks < IDLE_LOOKS; ) {
            if (hurry.getAsBoolean() || nanoClock.getAsLong() - startNanos >= timeout.toNanos()) {
                return isIdle(variant);
            }
            idleLooks = isIdle(variant) ? idleLooks + 1 : 0;
            pause.accept(INTERVAL);
        }
        return true;
    }

    static boolean isIdle(Variant variant) {
        EngineStatus status = variant.status();
        return status.running() + status.waiting() == 0;
    }
}
