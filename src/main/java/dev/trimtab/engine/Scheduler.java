package dev.trimtab.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Decides which tokens of which sequences the next step computes.
///
/// 1. Every decoding sequence gets its token, oldest first. When blocks run out the youngest running sequence
///    is preempted: its blocks are freed, and it goes back to the head of the queue to be computed again.
/// 2. Prefilling sequences share what is left of the token budget, oldest first, in chunks.
/// 3. Waiting sequences are admitted in order of arrival while there are seats, budget, and blocks for all
///    their tokens, with one to spare for each running sequence. Nobody overtakes: the head waits until its
///    blocks are free.
///
/// A step has so many rows of logits. A sequence takes one at most, but one whose prompt is scored takes one a
/// token: its chunks are as long as the rows that the others leave.
///
/// Nobody starves: the oldest running sequence is never preempted by another, so it ends; then the next is
/// oldest. Engine thread only.
final class Scheduler {
    private final BlockPool blocks;
    private final int seats;
    private final int tokenBudget;
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final List<Sequence> running;
    private final List<Sequence> scheduled;
    private final int logitRows;
    private int budget;
    private int rows;
    private int preempted;

    /// At most `seats` running sequences, `tokenBudget >= seats` tokens and `logitRows >= seats` rows in a
    /// step.
    Scheduler(BlockPool blocks, int seats, int tokenBudget, int logitRows) {
        assert tokenBudget >= seats && logitRows >= seats;
        this.logitRows = logitRows;
        this.blocks = blocks;
        this.seats = seats;
        this.tokenBudget = tokenBudget;
        this.running = new ArrayList<>(seats);
        this.scheduled = new ArrayList<>(seats);
    }

    /// Sequences not yet admitted, or preempted; the engine adds arrivals at the end.
    Deque<Sequence> waiting() {
        return waiting;
    }

    /// Running sequences in the order they were admitted.
    List<Sequence> running() {
        return running;
    }

    /// The sequences of the step, each with its number of tokens.
    List<Sequence> scheduled() {
        return scheduled;
    }

    boolean hasWork() {
        return !running.isEmpty() || !waiting.isEmpty();
    }

    /// Plans a step, an empty one when nothing can run; returns how many sequences it had to preempt.
    int schedule(long nowNanos) {
        scheduled.clear();
        budget = tokenBudget;
        rows = logitRows;
        preempted = 0;
        scheduleDecodes();
        schedulePrefills();
        if (preempted == 0) {
            admit(nowNanos);
        }
        return preempted;
    }

    private void scheduleDecodes() {
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.get(i);
            if (sequence.remaining() == 1 && makeRoom(sequence)) {
                take(sequence, 0);
            }
        }
    }

    /// False when the sequence had to be preempted itself.
    private boolean makeRoom(Sequence sequence) {
        while (sequence.blocksMissing() > 0) {
            if (blocks.reserve(1)) {
                sequence.addBlock(blocks.allocate());
            } else if (preemptYoungest() == sequence) {
                return false;
            }
        }
        return true;
    }

    private Sequence preemptYoungest() {
        Sequence youngest = running.removeLast();
        youngest.releaseBlocks(blocks);
        waiting.addFirst(youngest);
        preempted++;
        return youngest;
    }

    private void schedulePrefills() {
        int left = running.size() - scheduled.size();
        for (int i = 0; i < running.size() && budget > 0; i++) {
            if (running.get(i).remaining() > 1) {
                take(running.get(i), --left);
            }
        }
    }

    private void admit(long nowNanos) {
        while (budget > 0 && rows > 0 && running.size() < seats && !waiting.isEmpty()) {
            Sequence head = waiting.peek();
            head.shareBlocks(blocks);
            int missing = head.blocksMissing();
            if (!blocks.canAllocate(missing + running.size()) || !blocks.reserve(missing)) {
                head.releaseBlocks(blocks);
                return;
            }
            for (int i = 0; i < missing; i++) {
                head.addBlock(blocks.allocate());
            }
            head.admit(nowNanos);
            running.add(waiting.poll());
            take(head, 0);
        }
    }

    /// Schedules as much of `sequence` as there is room for, with a row left for each of `others`.
    private void take(Sequence sequence, int others) {
        int count = Math.min(sequence.remaining(), budget);
        if (sequence.isScoring()) {
            count = Math.min(count, rows - others);
        }
        rows -= sequence.isScoring() ? count : 1;
        sequence.schedule(count);
        scheduled.add(sequence);
        budget -= count;
    }

    /// Drops the sequences that have ended.
    void forgetEnded() {
        waiting.removeIf(Sequence::isEnded);
        running.removeIf(Sequence::isEnded);
    }

    /// Whether every allocated block is in the tables of as many running sequences as are said to hold it,
    /// and none in a waiting one's. O(blocks): for assertions.
    boolean isConsistent() {
        Map<Long, Integer> holders = new HashMap<>();
        for (Sequence sequence : running) {
            for (int i = 0; i < sequence.blockCount(); i++) {
                holders.merge(sequence.block(i), 1, Integer::sum);
            }
        }
        for (Map.Entry<Long, Integer> held : holders.entrySet()) {
            if (blocks.holders(held.getKey()) != held.getValue()) {
                return false;
            }
        }
        for (Sequence sequence : waiting) {
            if (sequence.blockCount() > 0) {
                return false;
            }
        }
        return running.size() <= seats && holders.size() == blocks.used() && blocks.isConsistent();
    }
}
