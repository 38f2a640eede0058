package dev.trimtab.engine;

import dev.trimtab.error.BadConfiguration;
import java.util.BitSet;
import java.util.OptionalInt;

/// One engine's KV blocks: the extents it holds of the [KvPool], cut into blocks of its model's size, counted
/// by how many sequences hold each. A block is known by its byte offset in the pool's memory, which is what
/// block tables hold.
///
/// A held block is *allocated*; one that nobody holds is *free*, or *cached* when the [PrefixTree] knows its
/// tokens. Cached blocks are evicted when memory runs out, here or in another engine of the same pool.
///
/// - `reserve(n)`: makes the next n calls of `allocate` succeed, from free blocks, free extents, then cached
///   blocks
/// - `allocate`, `share`, `release`: O(1) but for a bit scan; the lowest block is given first, and an extent
///   whose blocks are all free goes back to the pool at once
///
/// Engine thread only.
final class BlockPool implements KvPool.Holder {
    /// No block.
    static final long NONE = -1;

    private final KvPool pool;
    private final long blockBytes;
    private final int blocksPerExtent;
    private final BitSet free = new BitSet();
    private final int[] freeInExtent;
    private final int[] holders;
    private final PrefixTree cached;
    private final EngineOptions.PrefixReuse prefixReuse;
    private int freeCount;
    private int used;

    /// @throws BadConfiguration when a block does not fit an extent
    BlockPool(KvPool pool, long blockBytes, EngineOptions.PrefixReuse prefixReuse) {
        if (blockBytes > pool.extentBytes()) {
            throw new BadConfiguration("KV pool: a block of this model takes " + blockBytes
                    + " bytes, an extent of the " + "pool has " + pool.extentBytes() + "; give the pool more memory");
        }
        this.pool = pool;
        this.blockBytes = blockBytes;
        this.prefixReuse = prefixReuse;
        this.blocksPerExtent = Math.toIntExact(pool.extentBytes() / blockBytes);
        this.freeInExtent = new int[pool.extents()];
        this.holders = new int[capacity()];
        this.cached = new PrefixTree(prefixReuse == EngineOptions.PrefixReuse.ON ? capacity() : 0);
        pool.register(this);
    }

    /// Blocks there would be if this engine held the whole pool.
    int capacity() {
        return Math.toIntExact((long) blocksPerExtent * pool.extents());
    }

    /// Blocks held by sequences.
    int used() {
        return used;
    }

    /// Whether [#reserve(int)] would succeed; may take cached blocks from other engines to find out.
    boolean canAllocate(int count) {
        boolean reclaimed = true;
        while (reclaimed && available() < count) {
            reclaimed = pool.reclaimFor(this);
        }
        return available() >= count;
    }

    /// Blocks that could be allocated without taking any from other engines.
    int available() {
        return freeCount + cached.parked() + blocksPerExtent * pool.freeExtents();
    }

    /// Makes sure that the next `count` calls of [#allocate()] succeed; false, and nothing is kept for them,
    /// when there are not so many.
    boolean reserve(int count) {
        while (freeCount < count) {
            OptionalInt extent = pool.take(this);
            if (extent.isPresent()) {
                addExtent(extent.getAsInt());
            } else if (cached.parked() > 0) {
                makeFree(cached.evict());
            } else {
                giveBackEmptyExtents();
                return false;
            }
        }
        return true;
    }

    /// A block of the caller's own. Only after [#reserve(int)].
    long allocate() {
        int block = free.nextSetBit(0);
        assert block >= 0 : "allocate without reserve";
        free.clear(block);
        freeInExtent[block / blocksPerExtent]--;
        freeCount--;
        hold(block);
        return offset(block);
    }

    /// One holder of the block less.
    void release(long offset) {
        int block = block(offset);
        assert holders[block] > 0 : "block " + block + " was released too often";
        if (--holders[block] > 0) {
            return;
        }
        used--;
        if (isCached(block)) {
            cached.park(block);
        } else {
            makeFree(block);
            giveBackIfEmpty(block / blocksPerExtent);
        }
    }

    // Prefix reuse

    /// The cached block with `text[from .. from + BLOCK_TOKENS)` after block `parent` ([#NONE] for a first
    /// one), now held by the caller too; [#NONE] when there is none.
    long share(long parent, String salt, int[] text, int from) {
        if (prefixReuse == EngineOptions.PrefixReuse.OFF) {
            return NONE;
        }
        int block = cached.find(block(parent), salt, text, from);
        if (block == PrefixTree.NONE) {
            return NONE;
        }
        if (holders[block] == 0) {
            cached.unpark(block);
        }
        hold(block);
        return offset(block);
    }

    /// Lets others share the caller's block, which holds the computed `text[from .. from + BLOCK_TOKENS)`
    /// after the published `parent`. Where an equal block is cached already the caller gets that one instead
    /// of its own.
    long publish(long offset, long parent, String salt, int[] text, int from) {
        if (prefixReuse == EngineOptions.PrefixReuse.OFF) {
            return offset;
        }
        long equal = share(parent, salt, text, from);
        if (equal != NONE) {
            release(offset);
            return equal;
        }
        cached.insert(block(offset), block(parent), salt, text, from);
        return offset;
    }

    /// Takes a block that the caller alone holds out of the cache; false when others hold it, or its
    /// successors are cached.
    boolean unpublish(long offset) {
        int block = block(offset);
        if (!isCached(block) || holders[block] > 1 || cached.hasChildren(block)) {
            return false;
        }
        cached.remove(block);
        return true;
    }

    /// Whether `block` is in the cache, held or not.
    private boolean isCached(int block) {
        return prefixReuse == EngineOptions.PrefixReuse.ON && cached.holds(block);
    }

    /// Frees cached blocks until an extent goes back to the pool; false when there are none that could.
    @Override
    public boolean giveBackExtent() {
        int before = pool.freeExtents();
        while (cached.parked() > 0 && pool.freeExtents() == before) {
            int block = cached.evict();
            makeFree(block);
            giveBackIfEmpty(block / blocksPerExtent);
        }
        return pool.freeExtents() > before;
    }

    /// Frees all cached blocks and leaves the pool. No block may be held.
    void close() {
        assert used == 0;
        while (cached.parked() > 0) {
            makeFree(cached.evict());
        }
        giveBackEmptyExtents();
        pool.unregister(this);
    }

    // Extents

    private void hold(int block) {
        if (holders[block]++ == 0) {
            used++;
        }
    }

    private void makeFree(int block) {
        free.set(block);
        freeInExtent[block / blocksPerExtent]++;
        freeCount++;
    }

    private void addExtent(int extent) {
        int first = extent * blocksPerExtent;
        free.set(first, first + blocksPerExtent);
        freeInExtent[extent] = blocksPerExtent;
        freeCount += blocksPerExtent;
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

    /// How many hold the block.
    int holders(long offset) {
        return holders[block(offset)];
    }

    /// Whether every block of a held extent is free, cached or allocated, and no extent is held without need.
    /// O(blocks): for assertions.
    boolean isConsistent() {
        int freeTotal = 0;
        int cachedTotal = 0;
        int usedTotal = 0;
        for (int extent = 0; extent < freeInExtent.length; extent++) {
            int freeHere = 0;
            for (int block = extent * blocksPerExtent; block < (extent + 1) * blocksPerExtent; block++) {
                freeHere += free.get(block) ? 1 : 0;
                usedTotal += holders[block] > 0 ? 1 : 0;
                cachedTotal += holders[block] == 0 && isCached(block) ? 1 : 0;
                if (free.get(block) && (holders[block] > 0 || isCached(block))) {
                    return false;
                }
            }
            if (freeHere != freeInExtent[extent] || freeHere == blocksPerExtent) {
                return false;
            }
            freeTotal += freeHere;
        }
        return freeTotal == freeCount && cachedTotal == cached.parked() && usedTotal == used;
    }

    private long offset(int block) {
        return block / blocksPerExtent * pool.extentBytes() + block % blocksPerExtent * blockBytes;
    }

    private int block(long offset) {
        if (offset == NONE) {
            return PrefixTree.NONE;
        }
        long extent = offset / pool.extentBytes();
        return Math.toIntExact(extent * blocksPerExtent + offset % pool.extentBytes() / blockBytes);
    }
}
