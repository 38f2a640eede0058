package dev.trimtab.engine;

import dev.trimtab.kernel.KvLayout;
import java.util.Arrays;

/// Which full KV blocks hold which tokens: a tree whose nodes are blocks, each with the tokens it holds and
/// the block before it. A path from the root is a prompt's beginning, so that sequences with the same one can
/// share its blocks.
///
/// A child is found by hash, then its parent, all its tokens and the salt are compared: a hit is never wrong,
/// whatever collides. This is reuse by block hash (vLLM: a block is known by the hash of its tokens and of the
/// block before it) with the tokens kept, so that it compares them instead of trusting a long hash; the tree
/// also says which block to evict first. The whole key is: variant (each engine has its own tree, for its keys
/// and values mean nothing to another), salt (tenant, adapter), and the tokens from the first on. Blocks that no
/// sequence holds are parked in order of last use, and evicted oldest
/// first.
///
/// - `find`, `insert`, `remove`: O(BLOCK_TOKENS); `park`, `unpark`: O(1)
/// - memory: 160 bytes a block, in arrays made once
///
/// Invariant: a node's parent is a node. It holds because whoever holds a block holds its parent, and lets go
/// of the child first; so a child is always parked, and evicted, before its parent.
final class PrefixTree {
    /// No block: the parent of a first block, or nothing found.
    static final int NONE = -1;

    private static final int TOKENS = KvLayout.BLOCK_TOKENS;
    private static final int ABSENT = -2;

    private final int[] tokens;
    private final int[] parents;
    private final int[] children;
    private final String[] salts;
    private final int[] buckets;
    private final int[] nextInBucket;
    private final int[] older;
    private final int[] newer;
    private final int ends;
    private int parked;

    /// For blocks `[0, capacity)`.
    PrefixTree(int capacity) {
        this.tokens = new int[Math.multiplyExact(capacity, TOKENS)];
        this.parents = new int[capacity];
        this.children = new int[capacity];
        this.salts = new String[capacity];
        this.buckets = new int[Integer.highestOneBit(Math.max(1, capacity)) * 2];
        this.nextInBucket = new int[capacity];
        this.older = new int[capacity + 1];
        this.newer = new int[capacity + 1];
        this.ends = capacity; // where the list of parked blocks begins and ends
        older[ends] = ends;
        newer[ends] = ends;
        Arrays.fill(parents, ABSENT);
        Arrays.fill(salts, "");
        Arrays.fill(buckets, NONE);
    }

    boolean holds(int block) {
        return parents[block] != ABSENT;
    }

    /// Whether a node has `block` for its parent.
    boolean hasChildren(int block) {
        return children[block] > 0;
    }

    /// The block with `text[from .. from + BLOCK_TOKENS)` after `parent`, or [#NONE].
    int find(int parent, String salt, int[] text, int from) {
        int block = buckets[bucket(parent, salt, text, from)];
        while (block != NONE && !matches(block, parent, salt, text, from)) {
            block = nextInBucket[block];
        }
        return block;
    }

    private boolean matches(int block, int parent, String salt, int[] text, int from) {
        return parents[block] == parent
                && Arrays.equals(tokens, block * TOKENS, (block + 1) * TOKENS, text, from, from + TOKENS)
                && salts[block].equals(salt);
    }

    /// Makes `block` findable. Nothing equal may be in the tree.
    void insert(int block, int parent, String salt, int[] text, int from) {
        assert !holds(block) && find(parent, salt, text, from) == NONE;
        assert parent == NONE || holds(parent);
        System.arraycopy(text, from, tokens, block * TOKENS, TOKENS);
        parents[block] = parent;
        salts[block] = salt;
        int bucket = bucket(parent, salt, text, from);
        nextInBucket[block] = buckets[bucket];
        buckets[bucket] = block;
        if (parent != NONE) {
            children[parent]++;
        }
    }

    /// Takes out a block without children that is not parked.
    void remove(int block) {
        assert holds(block) && !hasChildren(block);
        int parent = parents[block];
        int bucket = bucket(parent, salts[block], tokens, block * TOKENS);
        if (buckets[bucket] == block) {
            buckets[bucket] = nextInBucket[block];
        } else {
            int before = buckets[bucket];
            while (nextInBucket[before] != block) {
                before = nextInBucket[before];
            }
            nextInBucket[before] = nextInBucket[block];
        }
        parents[block] = ABSENT;
        salts[block] = "";
        if (parent != NONE) {
            children[parent]--;
        }
    }

    private int bucket(int parent, String salt, int[] text, int from) {
        long hash = parent * 31L + salt.hashCode();
        for (int i = from; i < from + TOKENS; i++) {
            hash = (hash ^ text[i]) * 0x9E3779B97F4A7C15L;
            hash ^= hash >>> 32;
        }
        return (int) hash & (buckets.length - 1);
    }

    // Parked blocks

    /// Blocks that could be evicted.
    int parked() {
        return parked;
    }

    /// Notes that nobody holds `block` any more: it is now the last to be evicted.
    void park(int block) {
        older[block] = older[ends];
        newer[block] = ends;
        newer[older[ends]] = block;
        older[ends] = block;
        parked++;
    }

    /// Notes that somebody holds a parked block again.
    void unpark(int block) {
        newer[older[block]] = newer[block];
        older[newer[block]] = older[block];
        parked--;
    }

    /// Takes the block out that was parked first.
    int evict() {
        assert parked > 0;
        int block = newer[ends];
        unpark(block);
        remove(block);
        return block;
    }
}
