package dev.trimtab.tensor;

import dev.trimtab.error.Unsupported;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Decodes the bytes of a tensor to floats, a plain loop per encoding: the reference that packing and tests stand on.
///
/// Layouts are ggml's (`ggml-common.h`); all numbers little-endian. A block of 32 elements is
///
/// 1. `Q8_0`: f16 scale d, 32 signed bytes q; `w = d q`.
/// 2. `Q4_0`: f16 scale d, 16 bytes; element j is the low nibble of byte j, element j + 16 the high one; `w = d (q -
/// 8)`.
public final class Dequantizer {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    private Dequantizer() {}

    /// Whether [#decode] knows `encoding`.
    public static boolean canDecode(Encoding encoding) {
        return switch (encoding) {
            case F32, F16, BF16, Q8_0, Q4_0 -> true;
            default -> false;
        };
    }

    /// Decodes `count` elements that begin at byte `offset` of `bytes` into `out[outOffset ..]`.
    ///
    /// `count` and the position must be whole blocks of the encoding.
    ///
    /// @throws Unsupported for an encoding that [#canDecode] denies
    public static void decode(
            Encoding encoding, MemorySegment bytes, long offset, float[] out, int outOffset, int count) {
        switch (encoding) {
            case F32 -> MemorySegment.copy(bytes, FLOAT, offset, out, outOffset, count);
            case F16 -> f16(bytes, offset, out, outOffset, count);
            case BF16 -> bf16(bytes, offset, out, outOffset, count);
            case Q8_0 -> q8(bytes, offset, out, outOffset, count);
            case Q4_0 -> q4(bytes, offset, out, outOffset, count);
            default -> throw new Unsupported("encoding " + encoding + " cannot be decoded");
        }
    }

    /// Decodes row `row` of a matrix into `out[outOffset .. outOffset + columns)`.
    public static void decodeRow(Tensor tensor, long row, float[] out, int outOffset) {
        long columns = tensor.shape().columns();
        long rowBytes = tensor.encoding().sizeBytes(columns);
        decode(tensor.encoding(), tensor.data(), row * rowBytes, out, outOffset, Math.toIntExact(columns));
    }

    private static void f16(MemorySegment bytes, long offset, float[] out, int outOffset, int count) {
        for (int i = 0; i < count; i++) {
            out[outOffset + i] = Float.float16ToFloat(bytes.get(SHORT, offset + 2L * i));
        }
    }

    private static void bf16(MemorySegment bytes, long offset, float[] out, int outOffset, int count) {
        for (int i = 0; i < count; i++) {
            out[outOffset + i] = Float.intBitsToFloat(bytes.get(SHORT, offset + 2L * i) << 16);
        }
    }

    private static void q8(MemorySegment bytes, long offset, float[] out, int outOffset, int count) {
        long block = offset;
        for (int i = 0; i < count; i += 32, block += 34) {
            float scale = Float.float16ToFloat(bytes.get(SHORT, block));
            for (int j = 0; j < 32; j++) {
                out[outOffset + i + j] = scale * bytes.get(BYTE, block + 2 + j);
            }
        }
    }

    private static void q4(MemorySegment bytes, long offset, float[] out, int outOffset, int count) {
        long block = offset;
        for (int i = 0; i < count; i += 32, block += 18) {
            float scale = Float.float16ToFloat(bytes.get(SHORT, block));
            for (int j = 0; j < 16; j++) {
                int pair = bytes.get(BYTE, block + 2 + j);
                out[outOffset + i + j] = scale * ((pair & 15) - 8);
                out[outOffset + i + j + 16] = scale * (((pair >> 4) & 15) - 8);
            }
        }
    }
}
