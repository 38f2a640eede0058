package dev.trimtab.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The process's KV memory: one segment, sized by the memory plan, cut into equal extents that engines
/// take and give
/// back
/// while they run. An engine cuts its extents into KV blocks of its own model's size (`BlockPool`).
///
/// Thread-safe. Owner of the memory.
public final class KvPool implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;

    /// Reserves `sizeBytes`; pages are touched by the first use only.
    public KvPool(long sizeBytes) {
        this.memory = arena.allocate(sizeBytes, 64);
    }

    /// The whole memory; block offsets point into it.
    public MemorySegment memory() {
        return memory;
    }

    @Override
    public void close() {
        arena.close();
    }
}
