package dev.trimtab.variant.measure;

import dev.trimtab.engine.EngineLoop;
import dev.trimtab.engine.background.BackgroundWork;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/// One measuring, from waiting for its turn to its end.
final class Job implements Examination.Units {
    private final EngineLoop loop;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private boolean begun;
    private boolean cancelled;
    private @Nullable BackgroundWork current;

    Job(EngineLoop loop) {
        this.loop = loop;
    }

    /// False when it was cancelled before its turn.
    synchronized boolean begin() {
        begun = !cancelled;
        return begun;
    }

    /// To be called when nothing of it is left.
    void end() {
        ended.complete(null);
    }

    @Override
    public synchronized void check() {
        if (cancelled) {
            throw new CancellationException("the variant is to go");
        }
    }

    @Override
    public void run(BackgroundWork work) {
        try {
            hand(work).join();
        } catch (CompletionException failure) {
            throw failure.getCause() instanceof RuntimeException cause ? cause : failure;
        }
    }

    private synchronized CompletableFuture<Void> hand(BackgroundWork work) {
        try {
            check();
            current = work;
            return loop.background(work);
        } catch (RuntimeException | Error refused) {
            work.close();
            throw refused;
        }
    }

    /// Ends it, now or before its turn; returns when nothing of it is left.
    void cancel() {
        BackgroundWork work;
        synchronized (this) {
            cancelled = true;
            if (!begun) {
                return;
            }
            work = current;
        }
        if (work != null) {
            loop.cancel(work);
        }
        ended.join();
    }
}
