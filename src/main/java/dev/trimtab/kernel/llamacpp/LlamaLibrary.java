package dev.trimtab.kernel.llamacpp;

import static dev.trimtab.kernel.llamacpp.LlamaStructs.CONTEXT_PARAMS;
import static dev.trimtab.kernel.llamacpp.LlamaStructs.MODEL_PARAMS;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.trimtab.error.BadConfiguration;
import dev.trimtab.error.Internal;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Optional;

/// llama.cpp as a shared library: the one inside the jar `de.kherud:llama`, which holds llama.cpp b4916 (March
/// 2025) for six platforms and exports its C functions beside the Java binding's own.
///
/// A library stays loaded until the process ends. What it logs is kept, not printed, so that a failure can
/// say why.
public final class LlamaLibrary {
    /// The coordinates of a jar with the library.
    public static final String ARTIFACT = "de.kherud:llama:4.2.0";

    /// A pointer whose target is read here, to whatever length the called function promises.
    @SuppressWarnings("restricted") // native access is enabled for the whole process
    public static final AddressLayout POINTER =
            ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(Long.MAX_VALUE, ValueLayout.JAVA_BYTE));

    /// `GGML_LOG_LEVEL_WARN`: what is below is chatter.
    private static final int WARNING = 3;

    /// `GGML_LOG_LEVEL_CONT`: the line before goes on.
    private static final int CONTINUED = 5;

    /// More than it says about one file; older complaints are dropped.
    private static final int COMPLAINTS_MAX = 4_096;

    private static final Linker LINKER = Linker.nativeLinker();

    private final SymbolLookup symbols;
    private final StringBuilder complaints = new StringBuilder();

    private LlamaLibrary(SymbolLookup symbols) {
        this.symbols = symbols;
        silence();
        run(() -> function("llama_backend_init", FunctionDescriptor.ofVoid()).invoke());
        checkLayouts();
    }

    /// Loads the library in `file`, which is a shared library or a jar with one for this platform; the jar on
    /// the class path where `file` is empty.
    ///
    /// @throws BadConfiguration when there is none, or it is not llama.cpp b4916; the message says what to add
    public static LlamaLibrary load(Optional<Path> file) {
        try {
            if (file.isEmpty()) {
                return ofResource();
            }
            return file.get().toString().endsWith(".jar") ? ofJar(file.get()) : of(file.get());
        } catch (IOException e) {
            throw new BadConfiguration("llama.cpp: " + file.map(Path::toString).orElse("the class path")
                    + " cannot be read: " + e.getMessage());
        }
    }

    private static LlamaLibrary ofResource() throws IOException {
        try (InputStream resource = LlamaLibrary.class.getResourceAsStream(resource())) {
            if (resource == null) {
                throw new BadConfiguration("llama.cpp: no library on the class path at " + resource()
                        + "; set trimtab.llama-cpp.library to the jar " + ARTIFACT
                        + " (Maven Central), or to a libjllama of it");
            }
            return ofCopy(resource);
        }
    }

    private static LlamaLibrary ofJar(Path jar) throws IOException {
        try (FileSystem content = FileSystems.newFileSystem(jar);
                InputStream entry = Files.newInputStream(content.getPath(resource()))) {
            return ofCopy(entry);
        }
    }

    private static LlamaLibrary ofCopy(InputStream content) throws IOException {
        Path copy = Files.createTempFile("trimtab", System.mapLibraryName("jllama"));
        copy.toFile().deleteOnExit();
        Files.copy(content, copy, StandardCopyOption.REPLACE_EXISTING);
        return of(copy);
    }

    @SuppressWarnings("restricted")
    private static LlamaLibrary of(Path library) {
        try {
            return new LlamaLibrary(SymbolLookup.libraryLookup(library.toAbsolutePath(), Arena.global()));
        } catch (IllegalArgumentException refused) {
            throw new BadConfiguration("llama.cpp: " + library
                    + " cannot be loaded; it needs libgomp and libstdc++ beside it: " + refused.getMessage());
        }
    }

    private static String resource() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String machine = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
        String folder = system.contains("windows") ? "Windows" : system.contains("mac") ? "Mac" : "Linux";
        return "/de/kherud/llama/" + folder + "/" + machine + "/" + System.mapLibraryName("jllama");
    }

    /// The C function `name`.
    ///
    /// @throws BadConfiguration when the library has none
    @SuppressWarnings("restricted")
    public MethodHandle function(String name, FunctionDescriptor descriptor) {
        MemorySegment symbol = symbols.find(name)
                .orElseThrow(() -> new BadConfiguration(
                        "llama.cpp: the library has no function " + name + "; it must be b4916, as in " + ARTIFACT));
        return LINKER.downcallHandle(symbol, descriptor);
    }

    /// The C function at `address`.
    @SuppressWarnings("restricted")
    public static MethodHandle function(MemorySegment address, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(address, descriptor);
    }

    /// Warnings and errors since the last call, and forgets them.
    public String complaints() {
        synchronized (complaints) {
            String text = complaints.toString().strip();
            complaints.setLength(0);
            return text;
        }
    }

    /// A call of a downcall handle.
    @FunctionalInterface
    public interface Call<T> {
        T run() throws Throwable;
    }

    /// Runs `call`. What a downcall handle throws by itself is a fault of ours, never the C function's doing.
    public static <T> T call(Call<T> call) {
        try {
            return call.run();
        } catch (RuntimeException | Error fault) {
            throw fault;
        } catch (Throwable thrown) {
            throw new Internal("a call of llama.cpp failed", thrown);
        }
    }

    /// A call of a downcall handle of a C function that returns nothing.
    @FunctionalInterface
    public interface Command {
        void run() throws Throwable;
    }

    /// As [#call], for one that returns nothing.
    public static void run(Command command) {
        call(() -> {
            command.run();
            return true;
        });
    }

    @SuppressWarnings("restricted")
    private void silence() {
        FunctionDescriptor signature = FunctionDescriptor.ofVoid(JAVA_INT, POINTER, ADDRESS);
        MethodType type = MethodType.methodType(void.class, int.class, MemorySegment.class, MemorySegment.class);
        LogCallback callback = (level, text, _) -> hear(level, text);
        run(() -> {
            MethodHandle hear = MethodHandles.lookup().bind(callback, "accept", type);
            MemorySegment stub = LINKER.upcallStub(hear, signature, Arena.global());
            function("llama_log_set", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS))
                    .invoke(stub, MemorySegment.NULL);
        });
    }

    /// `ggml_log_callback`, which llama.cpp calls on any of its threads.
    interface LogCallback {
        void accept(int level, MemorySegment text, MemorySegment userData);
    }

    private void hear(int level, MemorySegment text) {
        if (level >= WARNING && level != CONTINUED) {
            synchronized (complaints) {
                complaints.append(text.getString(0));
                complaints.delete(0, Math.max(0, complaints.length() - COMPLAINTS_MAX));
            }
        }
    }

    MemorySegment modelDefaults(SegmentAllocator allocator) {
        return call(() -> (MemorySegment) function("llama_model_default_params", FunctionDescriptor.of(MODEL_PARAMS))
                .invoke(allocator));
    }

    MemorySegment contextDefaults(SegmentAllocator allocator) {
        return call(
                () -> (MemorySegment) function("llama_context_default_params", FunctionDescriptor.of(CONTEXT_PARAMS))
                        .invoke(allocator));
    }

    private void checkLayouts() {
        try (Arena arena = Arena.ofConfined()) {
            // Room behind the structs, which another version may have made longer.
            MemorySegment model =
                    modelDefaults((_, _) -> arena.allocate(1024, 16).asSlice(0, MODEL_PARAMS.byteSize()));
            MemorySegment context =
                    contextDefaults((_, _) -> arena.allocate(1024, 16).asSlice(0, CONTEXT_PARAMS.byteSize()));
            if (!LlamaStructs.areDefaults(model, context)) {
                throw new BadConfiguration(
                        "llama.cpp: the library is of another version than b4916, the one in " + ARTIFACT);
            }
        }
    }
}
