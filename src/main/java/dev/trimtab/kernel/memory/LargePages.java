package dev.trimtab.kernel.memory;

import java.lang.foreign.MemorySegment;

/// Memory of the process's own that is read in pieces of a few kilobytes far from each other, so that pages of 4
/// KiB cost an address translation a piece.
public final class LargePages {
    /// `madvise(2)`: pages of 2 MiB where the system has them.
    private static final int MADV_HUGEPAGE = 14;

    private LargePages() {}

    /// Asks for large pages in `segment`, best before its first use. A page becomes resident as a whole, 2 MiB at
    /// the first touch.
    ///
    /// Linux only; elsewhere, and where the system refuses, nothing happens.
    public static void prefer(MemorySegment segment) {
        if (SystemCalls.SUPPORTED && segment.isNative() && segment.byteSize() > 0) {
            SystemCalls.advise(segment, MADV_HUGEPAGE);
        }
    }
}
