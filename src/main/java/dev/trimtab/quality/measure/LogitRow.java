package dev.trimtab.quality.measure;

import java.util.Arrays;

/// What is asked of one row of logits.
final class LogitRow {
    private LogitRow() {}

    /// The index of the first of the largest.
    static int top(float[] logits, int at, int count) {
        int top = 0;
        for (int i = 1; i < count; i++) {
            top = logits[at + i] > logits[at + top] ? i : top;
        }
        return top;
    }

    /// `log sum_i exp(logit_i)`
    static double logSum(float[] logits, int at, int count) {
        double max = logits[at + top(logits, at, count)];
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Math.exp(logits[at + i] - max);
        }
        return max + Math.log(sum);
    }

    /// The indices of the `k` largest, falling; of equal ones the first comes first. Costs one comparison for most
    /// logits: those kept so far are a heap whose root is the least of them.
    static int[] largest(float[] logits, int at, int count, int k) {
        long[] heap = new long[k];
        for (int i = 0; i < k; i++) {
            heap[i] = key(logits[at + i], i);
        }
        Arrays.sort(heap); // an ascending array is a heap
        for (int i = k; i < count; i++) {
            long key = key(logits[at + i], i);
            if (key > heap[0]) {
                replaceRoot(heap, key);
            }
        }
        Arrays.sort(heap);
        int[] ids = new int[k];
        for (int i = 0; i < k; i++) {
            ids[i] = Integer.MAX_VALUE - (int) heap[k - 1 - i];
        }
        return ids;
    }

    /// Orders by logit, then by falling index. Floats' bits order like their values once those of negative ones are
    /// turned over.
    private static long key(float logit, int index) {
        int bits = Float.floatToIntBits(logit + 0f);
        int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
        return ((long) ordered << Integer.SIZE) | (Integer.MAX_VALUE - index);
    }

    private static void replaceRoot(long[] heap, long key) {
        int hole = 0;
        while (2 * hole + 1 < heap.length) {
            int child = 2 * hole + 1;
            if (child + 1 < heap.length && heap[child + 1] < heap[child]) {
                child++;
            }
            if (key <= heap[child]) {
                break;
            }
            heap[hole] = heap[child];
            hole = child;
        }
        heap[hole] = key;
    }
}
