package dev.trimtab.engine;

import dev.trimtab.error.BadConfiguration;
import java.util.BitSet;
import java.util.OptionalInt;

/// One engine's KV blocks: the extents it holds of the [KvPool], cut into blocks of its model's size.
///
/// A block is known by its byte offset in the pool's memory, which is what block tables hold.
///
/// - `reserve(n)`: O(extents taken); makes the next n calls of `allocate` succeed
/// - `allocate()`, `release(offset)`: O(1) but for a bit scan; the lowest block is given first, and an extent
///   whose blocks are all free goes back to the pool at once
///
/// Invariant: every block of a held extent is either free or allocated, and no extent is held without need.
/// Engine thread only.
final class BlockPool {
    private final KvPool pool;
    private final long blockBytes;
    private final int blocksPerExtent;
    private final BitSet free;
    private final int[] freeInExtent;
    private int freeCount;
    private int used;

    /// @throws BadConfiguration when a block does not fit an extent
    BlockPool(KvPool pool, long blockBytes) {
        if (blockBytes > pool.extentBytes()) {
            throw new BadConfiguration("KV pool: a block of this model takes " + blockBytes
                    + " bytes, an extent of the " + "pool has " + pool.extentBytes() + "; give the pool more memory");
        }
        this.pool = pool;
        this.blockBytes = blockBytes;
        this.blocksPerExtent = Math.toIntExact(pool.extentBytes() / blockBytes);
        this.free = new BitSet();
        this.freeInExtent = new int[pool.extents()];
    }

    /// Blocks there would be if this engine held the whole pool.
    int capacity() {
        return Math.toIntExact((long) blocksPerExtent * pool.extents());
    }

    /// Blocks in use by sequences.
    int used() {
        return used;
    }

    /// Blocks that could be allocated now, as long as no other engine takes them.
    int available() {
        return freeCount + blocksPerExtent * pool.freeExtents();
    }

    /// Makes sure that the next `count` calls of [#allocate()] succeed; false, and nothing is held for them, when
    /// the pool cannot give so many.
    boolean reserve(int count) {
        while (freeCount < count) {
            OptionalInt extent = pool.take();
            if (extent.isEmpty()) {
                giveBackEmptyExtents();
                return false;
            }
            int first = extent.getAsInt() * blocksPerExtent;
            free.set(first, first + blocksPerExtent);
            freeInExtent[extent.getAsInt()] = blocksPerExtent;
            freeCount += blocksPerExtent;
        }
        return true;
    }

    /// The offset of a block that is now the caller's. Only after [#reserve(int)].
    long allocate() {
        int block = free.nextSetBit(0);
        assert block >= 0 : "allocate without reserve";
        free.clear(block);
        freeInExtent[block / blocksPerExtent]--;
        freeCount--;
        used++;
        return offset(block);
    }

    void release(long offset) {
        int block = block(offset);
        assert !free.get(block) : "block " + block + " was released twice";
        int extent = block / blocksPerExtent;
        free.set(block);
        freeInExtent[extent]++;
        freeCount++;
        used--;
        giveBackIfEmpty(extent);
    }

    private void giveBackEmptyExtents() {
        for (int extent = 0; extent < freeInExtent.length; extent++) {
            giveBackIfEmpty(extent);
        }
    }

    private void giveBackIfEmpty(int extent) {
        if (freeInExtent[extent] == blocksPerExtent) {
            int first = extent * blocksPerExtent;
            free.clear(first, first + blocksPerExtent);
            freeInExtent[extent] = 0;
            freeCount -= blocksPerExtent;
            pool.giveBack(extent);
        }
    }

    /// Whether the counts agree with the bits, and no empty extent is held. O(blocks): for assertions.
    boolean isConsistent() {
        int total = 0;
        boolean anyEmpty = false;
        for (int extent = 0; extent < freeInExtent.length; extent++) {
            int first = extent * blocksPerExtent;
            boolean counted = free.get(first, first + blocksPerExtent).cardinality() == freeInExtent[extent];
            total += counted ? freeInExtent[extent] : blocksPerExtent + 1;
            anyEmpty |= freeInExtent[extent] == blocksPerExtent;
        }
        return total == freeCount && !anyEmpty;
    }

    private long offset(int block) {
        return block / blocksPerExtent * pool.extentBytes() + block % blocksPerExtent * blockBytes;
    }

    private int block(long offset) {
        long extent = offset / pool.extentBytes();
        return Math.toIntExact(extent * blocksPerExtent + offset % pool.extentBytes() / blockBytes);
    }
}
