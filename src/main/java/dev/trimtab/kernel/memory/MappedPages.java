package dev.trimtab.kernel.memory;

import java.lang.foreign.MemorySegment;

/// Pages of mapped files that have been read and will hardly be read again. They are the system's page cache,
/// but count to the process's resident set, and to its cgroup's, until it lets go of them.
public final class MappedPages {
    /// `madvise(2)`: the pages are not needed.
    private static final int MADV_DONTNEED = 4;

    private MappedPages() {}

    /// Lets go of every page that `segment` touches, if it is a read-only mapping of a file. Reading them again
    /// is right, and takes a page fault: they come from the page cache or the file. So it does no harm while
    /// others read the mapping, nor to what shares the first and the last page. `segment` is alive throughout.
    ///
    /// Linux only; elsewhere, and where the system refuses, nothing happens.
    public static void release(MemorySegment segment) {
        if (SystemCalls.SUPPORTED && segment.isMapped() && segment.isReadOnly() && segment.byteSize() > 0) {
            SystemCalls.advise(segment, MADV_DONTNEED);
        }
    }
}
