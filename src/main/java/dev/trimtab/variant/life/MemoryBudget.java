package dev.trimtab.variant.life;

import dev.trimtab.variant.MemoryPlan;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/// What weights, scratch and adapters of all variants may take, and what each takes now. Thread-safe.
///
/// The KV pool is none of its business: it was planned at the start for the declared variants and is shared by
/// those that come later, so it never grows or shrinks. What a later variant must find in it is one sequence
/// of its full context, in blocks no larger than the pool's extents; else it is refused with the size that
/// would do.
///
/// What is counted of weights and scratch is what was predicted, each variant for itself: two that share tensors are
/// counted as if they did not, which errs on the safe side. Adapters come and go, so theirs are counted as they are.
public final class MemoryBudget {
    private final long totalBytes;
    private final long kvBytes;
    private final long kvExtentBytes;
    private final LongSupplier availableBytes;
    private final Map<String, LongSupplier> taken = new LinkedHashMap<>();

    /// @param totalBytes for weights, scratch and adapters of all variants
    /// @param plan of the process, for its KV pool
    /// @param availableBytes what the machine can give at the moment
    public MemoryBudget(long totalBytes, MemoryPlan plan, LongSupplier availableBytes) {
        this.totalBytes = totalBytes;
        this.kvBytes = plan.kvBytes();
        this.kvExtentBytes = plan.kvExtentBytes();
        this.availableBytes = availableBytes;
    }

    /// Weights, scratch and adapters of `demand`.
    static long bytesOf(MemoryPlan.Demand demand) {
        return demand.weightBytes() + demand.scratchBytes() + demand.adapterBytes();
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
    public synchronized long freeBytes() {
        return Math.min(totalBytes - takenBytes(), availableBytes.getAsLong());
    }

    public long totalBytes() {
        return totalBytes;
    }

    /// What variants take now.
    public synchronized long takenBytes() {
        return taken.values().stream().mapToLong(LongSupplier::getAsLong).sum();
    }

    /// What `name` takes now.
    public synchronized long takenBytes(String name) {
        LongSupplier bytes = taken.get(name);
        return bytes == null ? 0 : bytes.getAsLong();
    }

    /// Takes `bytes` for something beside the variants; false, and nothing taken, where they are not free.
    public synchronized boolean tryTake(String name, long bytes) {
        if (bytes > freeBytes()) {
            return false;
        }
        take(name, () -> bytes);
        return true;
    }

    /// Takes what `bytes` says for `name`, now and whenever it is asked.
    synchronized void take(String name, LongSupplier bytes) {
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
