package dev.trimtab.tokenizer;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Byte pair merging: as long as neighbours can be merged, merge the pair of the lowest rank, the
/// leftmost of equals (Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units",
/// 2016, section 3.2). SentencePiece's BPE is the same with ranks made from scores.
///
/// Two ways of the same result. Up to [#SCAN_MAX] symbols, which is nearly every word: look at all
/// pairs for each merge, at most `SCAN_MAX²` steps in cheap memory. Above: a heap of pairs over a
/// linked list, O(n log n) for n symbols whatever they are, as each merge adds at most two pairs to
/// at most n - 1.
///
/// Scratch of one thread; it grows to the longest word it has seen.
final class Merger {
    /// Measured on English text: from about this size the heap wins.
    static final int SCAN_MAX = 40;

    private static final long NO_MERGE = Long.MAX_VALUE;
    private static final int NONE = -1;

    private final LongTable merges;
    private final int scanMax;
    private final @Nullable IdBuffer trail;
    private int[] symbols = new int[64];
    private long[] pairs = new long[64];
    private int[] next = {};
    private int[] previous = {};
    private int size;
    private long steps;

    /// `merges` maps a [LongTable#pair(int, int)] of symbols to its [#merge(int, int)].
    Merger(LongTable merges) {
        this(merges, SCAN_MAX);
    }

    /// One that appends to `trail` every symbol that it meets: those added, and what they become.
    Merger(LongTable merges, IdBuffer trail) {
        this.merges = merges;
        this.scanMax = SCAN_MAX;
        this.trail = trail;
    }

    Merger(LongTable merges, int scanMax) {
        this.merges = merges;
        this.scanMax = scanMax;
        this.trail = null;
    }

    /// The value that `merges` holds for a pair: its rank, and the symbol that it becomes.
    static long merge(int rank, int symbol) {
        return (long) rank << 32 | symbol;
    }

    /// Adds a symbol to the word.
    void add(int symbol) {
        if (size == symbols.length) {
            symbols = Arrays.copyOf(symbols, Math.addExact(size, size >> 1));
        }
        symbols[size++] = symbol;
        leave(symbol);
    }

    private void leave(int symbol) {
        if (trail != null) {
            trail.add(symbol);
        }
    }

    boolean isEmpty() {
        return size == 0;
    }

    /// Merges the word; [#size()] and [#symbol(int)] then tell the result, until [#clear()].
    void merge() {
        if (size < 2) {
            return;
        }
        if (size <= scanMax) {
            scan();
        } else {
            mergeByHeap();
        }
    }

    int size() {
        return size;
    }

    int symbol(int index) {
        return symbols[index];
    }

    void clear() {
        size = 0;
    }

    /// How often a merging loop went round since this was made: the cost, for tests of its bound.
    long steps() {
        return steps;
    }

    private void scan() {
        if (pairs.length < size) {
            pairs = new long[size];
        }
        for (int i = 0; i + 1 < size; i++) {
            pairs[i] = lookUp(symbols[i], symbols[i + 1]);
        }
        while (true) {
            int best = NONE;
            long bestRank = NO_MERGE >>> 32;
            for (int i = 0; i + 1 < size; i++) {
                if (pairs[i] >>> 32 < bestRank) {
                    bestRank = pairs[i] >>> 32;
                    best = i;
                }
            }
            steps += size;
            if (best == NONE) {
                return;
            }
            symbols[best] = (int) pairs[best];
            leave(symbols[best]);
            size--;
            System.arraycopy(symbols, best + 2, symbols, best + 1, size - best - 1);
            if (best + 1 < size) {
                System.arraycopy(pairs, best + 2, pairs, best + 1, size - best - 2);
                pairs[best] = lookUp(symbols[best], symbols[best + 1]);
            }
            if (best > 0) {
                pairs[best - 1] = lookUp(symbols[best - 1], symbols[best]);
            }
        }
    }

    private void mergeByHeap() {
        if (next.length < size) {
            next = new int[symbols.length];
            previous = new int[symbols.length];
        }
        LongHeap heap = new LongHeap(size);
        for (int i = 0; i < size; i++) {
            next[i] = i + 1 < size ? i + 1 : NONE;
            previous[i] = i - 1;
            push(heap, i);
        }
        while (!heap.isEmpty()) {
            steps++;
            long entry = heap.pop();
            int left = (int) entry;
            int right = symbols[left] == NONE ? NONE : next[left];
            // An entry is stale when its pair is gone. A pair of the same rank in its place is as good.
            long pair = right == NONE ? NO_MERGE : lookUp(symbols[left], symbols[right]);
            if (pair >>> 32 != entry >>> 32) {
                continue;
            }
            symbols[left] = (int) pair;
            leave(symbols[left]);
            symbols[right] = NONE;
            next[left] = next[right];
            if (next[left] != NONE) {
                previous[next[left]] = left;
            }
            push(heap, left);
            if (left > 0) {
                push(heap, previous[left]);
            }
        }
        compact();
    }

    /// Adds the pair that begins at `left`, if it can be merged: entries are ordered by rank, then place.
    private void push(LongHeap heap, int left) {
        if (next[left] == NONE) {
            return;
        }
        long pair = lookUp(symbols[left], symbols[next[left]]);
        if (pair != NO_MERGE) {
            heap.push((pair & 0xFFFF_FFFF_0000_0000L) | left);
        }
    }

    private void compact() {
        int kept = 0;
        for (int i = 0; i != NONE; i = next[i]) {
            symbols[kept++] = symbols[i];
        }
        size = kept;
    }

    private long lookUp(int left, int right) {
        long merge = merges.get(LongTable.pair(left, right));
        return merge == LongTable.ABSENT ? NO_MERGE : merge;
    }

    /// A binary min-heap of `long`s.
    private static final class LongHeap {
        private long[] entries;
        private int size;

        LongHeap(int capacity) {
            entries = new long[Math.max(8, capacity)];
        }

        boolean isEmpty() {
            return size == 0;
        }

        void push(long entry) {
            if (size == entries.length) {
                entries = Arrays.copyOf(entries, Math.addExact(size, size >> 1));
            }
            int hole = size++;
            while (hole > 0 && entries[(hole - 1) >> 1] > entry) {
                entries[hole] = entries[(hole - 1) >> 1];
                hole = (hole - 1) >> 1;
            }
            entries[hole] = entry;
        }

        /// Takes out the smallest entry, which must be there.
        long pop() {
            long least = entries[0];
            long entry = entries[--size];
            int hole = 0;
            while (2 * hole + 1 < size) {
                int child = 2 * hole + 1;
                if (child + 1 < size && entries[child + 1] < entries[child]) {
                    child++;
                }
                if (entries[child] >= entry) {
                    break;
                }
                entries[hole] = entries[child];
                hole = child;
            }
            entries[hole] = entry;
            return least;
        }
    }
}
