package dev.trimtab.kernel.memory;

import dev.trimtab.error.Internal;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/// The C library's functions on pages, looked up when first needed.
@SuppressWarnings("restricted") // native access is enabled for the whole process
final class SystemCalls {
    /// Whether `madvise` and the values of its advice are those of Linux, the same on every architecture we
    /// run on.
    static final boolean SUPPORTED =
            System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux");

    private SystemCalls() {}

    /// Gives advice on every page that `segment` touches. Whether it is taken is the system's to say.
    static void advise(MemorySegment segment, int advice) {
        long page = Functions.PAGE_BYTES;
        long start = segment.address() / page * page;
        long end = Math.ceilDiv(segment.address() + segment.byteSize(), page) * page;
        try {
            int _ = (int) Functions.MADVISE.invokeExact(start, end - start, advice);
        } catch (Throwable fault) {
            throw new Internal("madvise cannot be called", fault);
        }
    }

    private static final class Functions {
        private static final Linker LINKER = Linker.nativeLinker();
        private static final MethodHandle MADVISE = handle(
                "madvise",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        private static final long PAGE_BYTES = pageBytes();

        private Functions() {}

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
    }
}
