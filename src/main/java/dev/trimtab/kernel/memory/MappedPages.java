package dev.trimtab.kernel.memory;

import dev.trimtab.error.Internal;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/// Pages of mapped files that have been read and will hardly be read again. They are the system's page cache,
/// but count to the process's resident set, and to its cgroup's, until it lets go of them.
@SuppressWarnings("restricted") // native access is enabled for the whole process
public final class MappedPages {
    /// `madvise(2)`, the value of Linux on every architecture we run on.
    private static final int MADV_DONTNEED = 4;

    private static final boolean SUPPORTED =
            System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux");

    private MappedPages() {}

    /// Lets go of every page that `segment` touches, if it is a read-only mapping of a file. Reading them again
    /// is right, and takes a page fault: they come from the page cache or the file. So it does no harm while
    /// others read the mapping, nor to what shares the first and the last page. `segment` is alive throughout.
    ///
    /// Linux only; elsewhere, and where the system refuses, nothing happens.
    public static void release(MemorySegment segment) {
        if (!SUPPORTED || !segment.isMapped() || !segment.isReadOnly() || segment.byteSize() == 0) {
            return;
        }
        long page = Calls.PAGE_BYTES;
        long start = segment.address() / page * page;
        long end = Math.ceilDiv(segment.address() + segment.byteSize(), page) * page;
        Calls.madvise(start, end - start, MADV_DONTNEED);
    }

    /// The C library's functions, looked up when first needed.
    private static final class Calls {
        private static final Linker LINKER = Linker.nativeLinker();
        private static final MethodHandle MADVISE = handle(
                "madvise",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        private static final long PAGE_BYTES = pageBytes();

        private Calls() {}

        private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
            return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
        }

        private static long pageBytes() {
            try {
                return (int) handle("getpagesize", FunctionDescriptor.of(ValueLayout.JAVA_INT))
                        .invokeExact();
            } catch (Throwable fault) {
                throw new Internal("getpagesize cannot be called", fault);
            }
        }

        /// Its answer says only whether the advice was taken.
        private static void madvise(long address, long bytes, int advice) {
            try {
                int _ = (int) MADVISE.invokeExact(address, bytes, advice);
            } catch (Throwable fault) {
                throw new Internal("madvise cannot be called", fault);
            }
        }
    }
}
