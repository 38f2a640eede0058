package dev.trimtab.oracle;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/// llama.cpp as a shared library: the one inside `de.kherud:llama`, which holds llama.cpp b4916 (March 2025)
/// and exports its C functions beside the binding's own.
///
/// Tests only. Loaded once in a process and never unloaded; what it logs is kept, not printed, so that a
/// failure can say why.
@SuppressWarnings("restricted")
final class NativeLibrary {
    /// Pointers whose target is read here, to whatever length the called function promises.
    static final AddressLayout POINTER =
            ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(Long.MAX_VALUE, ValueLayout.JAVA_BYTE));

    /// `GGML_LOG_LEVEL_WARN`: what is below is chatter.
    private static final int WARNING = 3;

    /// `GGML_LOG_LEVEL_CONT`: the line before goes on.
    private static final int CONTINUED = 5;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StringBuilder COMPLAINTS = new StringBuilder();
    private static final SymbolLookup LIBRARY = open();

    private NativeLibrary() {}

    /// The C function `name`.
    static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LIBRARY.findOrThrow(name), descriptor);
    }

    /// The C function at `address`.
    static MethodHandle function(MemorySegment address, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(address, descriptor);
    }

    /// Warnings and errors since the last call, and forgets them.
    static String complaints() {
        synchronized (COMPLAINTS) {
            String text = COMPLAINTS.toString().strip();
            COMPLAINTS.setLength(0);
            return text;
        }
    }

    /// What a call of a downcall handle throws, which is never the C function's doing.
    static AssertionError fault(Throwable thrown) {
        return new AssertionError("a call of llama.cpp failed", thrown);
    }

    // Called by llama.cpp, on any of its threads.
    private static void hear(int level, MemorySegment text, MemorySegment userData) {
        if (level >= WARNING && level != CONTINUED) {
            synchronized (COMPLAINTS) {
                COMPLAINTS.append(text.getString(0));
            }
        }
    }

    private static SymbolLookup open() {
        String path = "/de/kherud/llama/" + platform() + "/" + System.mapLibraryName("jllama");
        try (InputStream resource = NativeLibrary.class.getResourceAsStream(path)) {
            if (resource == null) {
                throw new AssertionError("no llama.cpp for this platform in de.kherud:llama: " + path);
            }
            Path file = Files.createTempFile("trimtab-oracle", System.mapLibraryName("jllama"));
            file.toFile().deleteOnExit();
            Files.copy(resource, file, StandardCopyOption.REPLACE_EXISTING);
            SymbolLookup library = SymbolLookup.libraryLookup(file, Arena.global());
            silence(library);
            initialize(library);
            return library;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String machine = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
        if (system.contains("windows")) {
            return "Windows/" + machine;
        }
        return (system.contains("mac") ? "Mac/" : "Linux/") + machine;
    }

    /// Fills ggml's tables, of f16 values above all, without which half of its functions see zeros.
    private static void initialize(SymbolLookup library) {
        try {
            LINKER.downcallHandle(library.findOrThrow("llama_backend_init"), FunctionDescriptor.ofVoid())
                    .invokeExact();
        } catch (Throwable thrown) {
            throw fault(thrown);
        }
    }

    private static void silence(SymbolLookup library) {
        FunctionDescriptor callback = FunctionDescriptor.ofVoid(JAVA_INT, POINTER, ADDRESS);
        MethodType type = MethodType.methodType(void.class, int.class, MemorySegment.class, MemorySegment.class);
        try {
            MethodHandle hear = MethodHandles.lookup().findStatic(NativeLibrary.class, "hear", type);
            MemorySegment stub = LINKER.upcallStub(hear, callback, Arena.global());
            LINKER.downcallHandle(library.findOrThrow("llama_log_set"), FunctionDescriptor.ofVoid(ADDRESS, ADDRESS))
                    .invokeExact(stub, MemorySegment.NULL);
        } catch (Throwable thrown) {
            throw fault(thrown);
        }
    }
}
