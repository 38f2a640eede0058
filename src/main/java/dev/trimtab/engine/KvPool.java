package dev.trimtab.engine;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.LazyMemory;
import dev.trimtab.kernel.memory.LargePages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;

/// The process's KV memory: one segment, sized by the memory plan, cut into equal extents that engines take
/// and give back while they run. An engine cuts its extents into KV blocks of its own model's size
/// ([BlockPool]).
///
/// The lowest free extent is taken first, so that load keeps to the front of the memory and the rest empties.
///
/// The engines of a pool belong to one thread, their [EngineLoop]'s, since one may have to give up cached
/// blocks for another; the pool may be made, read and closed, and engines made, on any. Owner of the memory.
public final class KvPool implements AutoCloseable {
    /// Extents that a pool is cut into: few enough that a block border wastes little of one, many enough that
    /// several engines can share the pool.
    private static final int EXTENTS_GOAL = 64;

    /// Below this, small models get a handful of blocks an extent and pay the hand-over too often.
    private static final long EXTENT_BYTES_MIN = 1 << 16;

    /// Above this, an extent that holds one live block withholds too much from the others. Twelve blocks of a
    /// model of 70 billion weights.
    private static final long EXTENT_BYTES_MAX = 1 << 27;

    /// Kernels read blocks in vectors: a cache line.
    private static final long ALIGNMENT = 64;

    /// Somebody who holds extents and may be able to do without.
    interface Holder {
        /// Gives an extent back that is held for later use only; false when there is none.
        boolean giveBackExtent();
    }

    private final List<Holder> holders = new CopyOnWriteArrayList<>();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final long extentBytes;
    private final int extents;
    private final BitSet free;

    /// Reserves `sizeBytes`, cut into extents of a size that suits the total.
    public KvPool(long sizeBytes) {
        this(sizeBytes, extentBytesFor(sizeBytes));
    }

    /// Reserves `sizeBytes`, cut into extents of `extentBytes`; what is left over of either is not used.
    /// Pages become resident with their first use; whether there are enough is the memory plan's to say.
    ///
    /// @throws BadConfiguration when not even one extent fits
    public KvPool(long sizeBytes, long extentBytes) {
        long alignedBytes = extentBytes - extentBytes % ALIGNMENT;
        if (alignedBytes < ALIGNMENT || sizeBytes < alignedBytes || sizeBytes / alignedBytes > Integer.MAX_VALUE) {
            throw new BadConfiguration("KV pool: a size of at least one extent of " + extentBytes
                    + " bytes (64 or more) expected, found " + sizeBytes);
        }
        this.extentBytes = alignedBytes;
        this.extents = (int) (sizeBytes / alignedBytes);
        this.memory = LazyMemory.allocate(arena, extents * alignedBytes, ALIGNMENT);
        LargePages.prefer(memory);
        this.free = new BitSet(extents);
        free.set(0, extents);
    }

    private static long extentBytesFor(long sizeBytes) {
        long goal = Math.clamp(sizeBytes / EXTENTS_GOAL, EXTENT_BYTES_MIN, EXTENT_BYTES_MAX);
        return Math.min(Long.highestOneBit(goal), Math.max(sizeBytes, 0));
    }

    /// The whole memory; block offsets point into it.
    public MemorySegment memory() {
        return memory;
    }

    /// Bytes of one extent: the upper bound of a KV block.
    public long extentBytes() {
        return extentBytes;
    }

    /// How many extents there are.
    public int extents() {
        return extents;
    }

    /// How many extents no engine holds.
    public synchronized int freeExtents() {
        return free.cardinality();
    }

    void register(Holder holder) {
        holders.add(holder);
    }

    void unregister(Holder holder) {
        holders.remove(holder);
    }

    /// Takes the lowest free extent; empty when there is none, not even one that another than `holder` can
    /// spare.
    OptionalInt take(Holder holder) {
        OptionalInt extent = takeFree();
        return extent.isEmpty() && reclaimFor(holder) ? takeFree() : extent;
    }

    /// Has another than `holder` give back an extent; false when none can spare one.
    boolean reclaimFor(Holder holder) {
        for (Holder other : holders) {
            if (!other.equals(holder) && other.giveBackExtent()) {
                return true;
            }
        }
        return false;
    }

    private synchronized OptionalInt takeFree() {
        int extent = free.nextSetBit(0);
        if (extent < 0) {
            return OptionalInt.empty();
        }
        free.clear(extent);
        return OptionalInt.of(extent);
    }

    synchronized void giveBack(int extent) {
        assert !free.get(extent) : "extent " + extent + " was given back twice";
        free.set(extent);
    }

    @Override
    public void close() {
        arena.close();
    }
}
