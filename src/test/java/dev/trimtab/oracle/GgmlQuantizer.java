package dev.trimtab.oracle;

import static dev.trimtab.kernel.llamacpp.LlamaLibrary.POINTER;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.trimtab.kernel.llamacpp.LlamaLibrary;
import dev.trimtab.tensor.Encoding;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// ggml's own quantizers and dequantizers (b4916), the yardstick for ours. Tests only.
public final class GgmlQuantizer {
    /// `GGML_TYPE_COUNT` of b4916: newer types (MXFP4 and on) it does not have, and asking would abort
    /// the JVM.
    private static final int TYPE_COUNT = 39;

    /// `offsetof(struct ggml_type_traits, to_float)`: after name, two block sizes, type size and a flag.
    private static final long TO_FLOAT_OFFSET = 40;

    private static final Set<Encoding> PLAIN =
            Set.of(Encoding.F32, Encoding.I8, Encoding.I16, Encoding.I32, Encoding.I64, Encoding.F64);

    /// Formats of dot products alone, of which ggml makes no chunks.
    private static final Set<Encoding> INTERMEDIATE = Set.of(Encoding.Q8_1, Encoding.Q8_K);

    private static final MethodHandle QUANTIZE = LlamaCpp.LIBRARY.function(
            "ggml_quantize_chunk",
            FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS));
    private static final MethodHandle REQUIRES_IMPORTANCE =
            LlamaCpp.LIBRARY.function("ggml_quantize_requires_imatrix", FunctionDescriptor.of(JAVA_BOOLEAN, JAVA_INT));
    private static final MethodHandle TYPE_TRAITS =
            LlamaCpp.LIBRARY.function("ggml_get_type_traits", FunctionDescriptor.of(POINTER, JAVA_INT));

    private GgmlQuantizer() {}

    /// Whether ggml b4916 quantizes to `encoding` and back.
    public static boolean knows(Encoding encoding) {
        return encoding.hasGgmlId()
                && encoding.ggmlId() < TYPE_COUNT
                && !PLAIN.contains(encoding)
                && !INTERMEDIATE.contains(encoding);
    }

    /// Whether [#quantize] to `encoding` needs importances.
    public static boolean requiresImportances(Encoding encoding) {
        int type = checked(encoding);
        return LlamaLibrary.call(() -> (boolean) REQUIRES_IMPORTANCE.invokeExact(type));
    }

    /// Quantizes `values`, `[rows, columns]` row-major, to the blocks of `encoding` in the same order.
    ///
    /// @param importances `[columns]`, the weight of each column's squared error (an importance matrix's
    ///     values), or null for none
    public static byte[] quantize(Encoding encoding, float[] values, int columns, float @Nullable [] importances) {
        int type = checked(encoding);
        if (values.length == 0 || values.length % columns != 0 || columns % encoding.blockElements() != 0) {
            throw new IllegalArgumentException(encoding + ": " + values.length + " values in rows of " + columns);
        }
        if (importances == null ? requiresImportances(encoding) : importances.length != columns) {
            throw new IllegalArgumentException(encoding + ": " + columns + " importances expected");
        }
        try (Arena arena = Arena.ofConfined()) {
            long sizeBytes = encoding.sizeBytes(values.length);
            MemorySegment blocks = arena.allocate(sizeBytes, 64);
            MemorySegment weights =
                    importances == null ? MemorySegment.NULL : arena.allocateFrom(JAVA_FLOAT, importances);
            MemorySegment source = arena.allocateFrom(JAVA_FLOAT, values);
            long rows = values.length / columns;
            long written = LlamaLibrary.call(
                    () -> (long) QUANTIZE.invokeExact(type, source, blocks, 0L, rows, (long) columns, weights));
            if (written != sizeBytes) {
                throw new IllegalStateException(encoding + ": " + sizeBytes + " bytes expected, wrote " + written);
            }
            return blocks.toArray(JAVA_BYTE);
        }
    }

    /// The values of `blocks`.
    public static float[] dequantize(Encoding encoding, byte[] blocks) {
        int type = checked(encoding);
        if (blocks.length == 0 || blocks.length % encoding.blockBytes() != 0) {
            throw new IllegalArgumentException(encoding + ": " + blocks.length + " bytes are not whole blocks");
        }
        try (Arena arena = Arena.ofConfined()) {
            int count = blocks.length / encoding.blockBytes() * encoding.blockElements();
            MemorySegment values = arena.allocate(JAVA_FLOAT, count);
            MemorySegment traits = LlamaLibrary.call(() -> (MemorySegment) TYPE_TRAITS.invokeExact(type));
            MethodHandle toFloat = LlamaLibrary.function(
                    traits.get(ADDRESS, TO_FLOAT_OFFSET), FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG));
            MemorySegment source = arena.allocate(blocks.length, 64).copyFrom(MemorySegment.ofArray(blocks));
            LlamaLibrary.run(() -> toFloat.invoke(source, values, (long) count));
            return values.toArray(JAVA_FLOAT);
        }
    }

    private static int checked(Encoding encoding) {
        if (!knows(encoding)) {
            throw new IllegalArgumentException("ggml b4916 does not quantize to " + encoding);
        }
        return encoding.ggmlId();
    }
}
