package dev.trimtab.tokenizer;

import java.util.Arrays;

/// A growing list of ids.
final class IdBuffer {
    private int[] ids;
    private int size;

    IdBuffer(int capacity) {
        ids = new int[Math.max(8, capacity)];
    }

    void add(int id) {
        if (size == ids.length) {
            ids = Arrays.copyOf(ids, Math.addExact(size, size >> 1));
        }
        ids[size++] = id;
    }

    void set(int index, int id) {
        ids[index] = id;
    }

    int get(int index) {
        return ids[index];
    }

    int size() {
        return size;
    }

    void clear() {
        size = 0;
    }

    int[] toArray() {
        return Arrays.copyOf(ids, size);
    }
}
