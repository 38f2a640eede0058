package dev.trimtab.engine;

import dev.trimtab.error.Internal;
import dev.trimtab.error.Overloaded;
import dev.trimtab.error.TrimtabException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/// The bounded door between the threads that submit and the engine thread: all that they share, behind one
/// lock that is never held longer than it takes to move references.
final class Inbox {
    /// A seat in the queue frees as soon as any sequence ends, which takes a second or so under load.
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

    /// Whether new sequences are taken.
    enum Door {
        OPEN,
        /// The engine is being closed.
        CLOSED,
        /// The engine has failed too often.
        BROKEN
    }

    private final int waitingMax;
    private final Deque<Sequence> arrivals = new ArrayDeque<>();
    private int inside;
    private boolean cancels;
    private Door door = Door.OPEN;

    Inbox(int waitingMax) {
        this.waitingMax = waitingMax;
    }

    /// Queues `sequence`.
    ///
    /// @throws Overloaded when the queue is full, or the engine is closing
    /// @throws Internal when the engine is broken
    synchronized void offer(Sequence sequence) {
        if (door != Door.OPEN) {
            throw refusal();
        }
        if (arrivals.size() + inside >= waitingMax) {
            throw new Overloaded(
                    Overloaded.Scope.SERVER,
                    "queue_full",
                    RETRY_AFTER,
                    "queue: at most " + waitingMax + " waiting sequences, found " + (arrivals.size() + inside));
        }
        arrivals.add(sequence);
    }

    private TrimtabException refusal() {
        return switch (door) {
            case OPEN, CLOSED ->
                new Overloaded(Overloaded.Scope.SERVER, "unloading", RETRY_AFTER, "the model is being unloaded");
            case BROKEN -> new Internal("the engine has failed too often and takes no more sequences");
        };
    }

    /// What a sequence that cannot be served any more is told.
    synchronized TrimtabException shut(Door door) {
        this.door = door;
        return refusal();
    }

    /// Says that some sequence has been cancelled.
    synchronized void noteCancel() {
        cancels = true;
    }

    /// Whether there is something for [#drainTo] to do.
    synchronized boolean hasMail() {
        return cancels || !arrivals.isEmpty();
    }

    /// Moves arrivals behind `waiting`; true when sequences have been cancelled since the last call.
    synchronized boolean drainTo(Deque<Sequence> waiting) {
        while (!arrivals.isEmpty()) {
            waiting.add(arrivals.poll());
        }
        inside = waiting.size();
        boolean cancelled = cancels;
        cancels = false;
        return cancelled;
    }

    /// Says how many sequences wait behind the door.
    synchronized void inside(int count) {
        inside = count;
    }

    /// Sequences that wait, on either side of the door.
    synchronized int waiting() {
        return arrivals.size() + inside;
    }
}
