package dev.trimtab.tokenizer;

import java.util.Arrays;

/// A map from non-negative `long` keys to non-negative `long` values: open addressing with linear
/// probing in two arrays, at most half full, so that a look-up touches a line or two of memory and
/// allocates nothing. Filled once, then read by any number of threads.
final class LongTable {
    /// What [#get(long)] answers for a key that is not there.
    static final long ABSENT = -1;

    private long[] keys = new long[16];
    private long[] values = new long[16];
    private int size;

    LongTable() {
        Arrays.fill(keys, ABSENT);
    }

    /// The key of an ordered pair of non-negative numbers.
    static long pair(int first, int second) {
        return (long) first << 32 | second;
    }

    /// Adds `key` unless it is there already: the first value stays.
    void putIfAbsent(long key, long value) {
        assert key >= 0 && value >= 0;
        int slot = slot(key);
        if (keys[slot] == key) {
            return;
        }
        keys[slot] = key;
        values[slot] = value;
        size++;
        if (size > keys.length >> 1) {
            grow();
        }
    }

    private void grow() {
        long[] oldKeys = keys;
        long[] oldValues = values;
        keys = new long[Math.multiplyExact(2, oldKeys.length)];
        values = new long[keys.length];
        Arrays.fill(keys, ABSENT);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != ABSENT) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }

    /// The value of `key`, or [#ABSENT].
    long get(long key) {
        int slot = slot(key);
        return keys[slot] == key ? values[slot] : ABSENT;
    }

    boolean contains(long key) {
        return keys[slot(key)] == key;
    }

    private int slot(long key) {
        int mask = keys.length - 1;
        int slot = (int) (mix(key) >>> 32) & mask;
        while (keys[slot] != key && keys[slot] != ABSENT) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    /// Spreads all bits of `key` over the upper half of the result.
    static long mix(long key) {
        long mixed = (key ^ key >>> 32) * 0x9E3779B97F4A7C15L;
        return (mixed ^ mixed >>> 29) * 0xBF58476D1CE4E5B9L;
    }
}
