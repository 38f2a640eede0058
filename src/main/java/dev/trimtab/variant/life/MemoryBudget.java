package dev.trimtab.variant.life;

import dev.trimtab.variant.MemoryPlan;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/// What weights and scratch of all variants may take, and what each takes now. Thread-safe.
///
/// The KV pool is none of its business: it was planned at the start for the declared variants and is shared by
/// those that come later, so it never grows or shrinks. What a later variant must find in it is one sequence
/// of its full context, in blocks no larger than the pool's extents; else it is refused with the size that
/// would do.
///
/// What is counted is what was predicted, each variant for itself: two that share tensors are counted as if
/// they did not, which errs on the safe side.
public final class MemoryBudget {
    private final long totalBytes;
    private final long kvBytes;
    private final long kvExtentBytes;
    private final LongSupplier availableBytes;
    private final Map<String, Long> taken = new LinkedHashMap<>();

    /// @param totalBytes for weights and scratch of all variants
    /// @param plan of the process, for its KV pool
    /// @param availableBytes what the machine can give at the moment
    public MemoryBudget(long totalBytes, MemoryPlan plan, LongSupplier availableBytes) {
        this.totalBytes = totalBytes;
        this.kvBytes = plan.kvBytes();
        this.kvExtentBytes = plan.kvExtentBytes();
        this.availableBytes = availableBytes;
    }

    /// Weights and scratch of `demand`.
    static long bytesOf(MemoryPlan.Demand demand) {
        return demand.weightBytes() + demand.scratchBytes();
    }

    /// Why the KV pool is too small for `demand`; empty when it is not.
    Optional<String> kvRefusal(MemoryPlan.Demand demand) {
        if (demand.kvBlockBytes() <= kvExtentBytes && demand.kvFloorBytes() <= kvBytes) {
            return Optional.empty();
        }
        return Optional.of("`" + demand.name() + "` needs a KV pool of "
                + MemoryPlan.readable(demand.kvFloorBytes()) + " in extents of "
                + MemoryPlan.readable(demand.kvBlockBytes()) + "; this process has "
                + MemoryPlan.readable(kvBytes) + " in extents of " + MemoryPlan.readable(kvExtentBytes)
                + ", planned at its start: declare the model, or set trimtab.memory.kv-cache");
    }

    /// Bytes that can still be taken; not positive when there are none.
    synchronized long freeBytes() {
        return Math.min(totalBytes - takenBytes(), availableBytes.getAsLong());
    }

    public long totalBytes() {
        return totalBytes;
    }

    /// What variants take now.
    public synchronized long takenBytes() {
        return taken.values().stream().mapToLong(Long::longValue).sum();
    }

    /// What `name` takes now.
    public synchronized long takenBytes(String name) {
        return taken.getOrDefault(name, 0L);
    }

    /// Takes `bytes` for something beside the variants; false, and nothing taken, where they are not free.
    public synchronized boolean tryTake(String name, long bytes) {
        if (bytes > freeBytes()) {
            return false;
        }
        take(name, bytes);
        return true;
    }

    synchronized void take(String name, long bytes) {
        taken.put(name, bytes);
    }

    /// Of what was taken for `name`.
    public synchronized void giveBack(String name) {
        taken.remove(name);
    }

    @Override
    public synchronized String toString() {
        return MemoryPlan.readable(takenBytes()) + " of " + MemoryPlan.readable(totalBytes) + " taken, "
                + MemoryPlan.readable(availableBytes.getAsLong()) + " available on the machine";
    }
}
