package dev.trimtab.compress.matrix;

import java.util.concurrent.atomic.AtomicLong;

/// Counts what large matrices leave on the heap. They lie where the collector looks last: it would rather grow the
/// heap than take them back, and a load would hold several times what it works on. A collection costs a tenth of a
/// second, against seconds for matrices of that size.
public final class LargeGarbage {
    /// Garbage that may lie about.
    private static final long BYTES_MAX = 128L << 20;

    private static final AtomicLong BYTES = new AtomicLong();

    private LargeGarbage() {}

    /// Says that so many bytes are not needed any more, and has them collected when enough have come together.
    public static void left(long bytes) {
        if (BYTES.addAndGet(bytes) > BYTES_MAX) {
            BYTES.set(0);
            System.gc();
        }
    }
}
