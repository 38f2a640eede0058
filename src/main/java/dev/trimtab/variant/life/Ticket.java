package dev.trimtab.variant.life;

import dev.trimtab.error.Internal;
import dev.trimtab.variant.LoadProgress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// Something that was begun and will end: a load, a drain. `done` is completed on the thread that did it, with
/// the failure where there is one.
///
/// @param progress of a load
public record Ticket(String name, LoadProgress progress, CompletableFuture<Void> done) {
    static Ticket of(String name) {
        return new Ticket(name, new LoadProgress(), new CompletableFuture<>());
    }

    /// Waits for the end; what the work threw is thrown here.
    public void await() {
        try {
            done.join();
        } catch (CompletionException failure) {
            throw thrown(failure.getCause());
        }
    }

    /// Waits at most `timeout`; false when it has not ended by then.
    public boolean await(Duration timeout) {
        try {
            done.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException failure) {
            throw thrown(failure.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static RuntimeException thrown(@Nullable Throwable cause) {
        return switch (cause) {
            case RuntimeException known -> known;
            case null -> new Internal("a variant's load or unload failed");
            default -> new Internal("a variant's load or unload failed", cause);
        };
    }
}
