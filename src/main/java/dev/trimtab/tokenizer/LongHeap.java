package dev.trimtab.tokenizer;

import java.util.Arrays;

/// A binary min-heap of `long`s.
final class LongHeap {
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
