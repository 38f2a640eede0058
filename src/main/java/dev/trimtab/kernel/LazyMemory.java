package dev.trimtab.kernel;

import dev.trimtab.error.Internal;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Large memory that costs nothing until it is used: the C library's `calloc` takes it from the system, which
/// gives zero pages on the first touch. [Arena#allocate] writes the zeros itself, and so makes all of it
/// resident.
@SuppressWarnings("restricted") // native access is enabled for the whole process
public final class LazyMemory {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle CALLOC =
            handle("calloc", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle FREE = handle("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

    private LazyMemory() {}

    /// `sizeBytes` of zeros, aligned to `alignment` (a power of two), freed when `arena` closes.
    ///
    /// @throws OutOfMemoryError when the system has none
    public static MemorySegment allocate(Arena arena, long sizeBytes, long alignment) {
        long padded = Math.addExact(sizeBytes, alignment);
        MemorySegment raw = calloc(padded);
        if (raw.address() == 0) {
            throw new OutOfMemoryError(sizeBytes + " bytes outside the heap");
        }
        MemorySegment owned = raw.reinterpret(padded, arena, LazyMemory::free);
        long offset = Math.ceilDiv(raw.address(), alignment) * alignment - raw.address();
        return owned.asSlice(offset, sizeBytes);
    }

    private static MemorySegment calloc(long sizeBytes) {
        try {
            return (MemorySegment) CALLOC.invokeExact(1L, sizeBytes);
        } catch (Throwable fault) {
            throw new Internal("calloc cannot be called", fault);
        }
    }

    private static void free(MemorySegment memory) {
        try {
            FREE.invokeExact(memory);
        } catch (Throwable fault) {
            throw new Internal("free cannot be called", fault);
        }
    }

    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
    }
}
