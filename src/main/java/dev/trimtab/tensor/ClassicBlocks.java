package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;
import static dev.trimtab.tensor.LittleEndian.i32;
import static dev.trimtab.tensor.LittleEndian.i8;
import static dev.trimtab.tensor.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/// ggml's first encodings: 32 elements, an f16 scale d and for some an f16 minimum m.
///
/// Nibbles lie as in all of ggml's blocks of 32: byte j holds element j low and element j + 16 high.
///
/// 1. `Q4_0`: d, 16 bytes of nibbles; `w = d (q - 8)`.
/// 2. `Q4_1`: d, m, nibbles; `w = d q + m`.
/// 3. `Q5_0`: d, u32 whose bit e is bit 4 of element e, nibbles; `w = d (q - 16)`.
/// 4. `Q5_1`: d, m, the u32, nibbles; `w = d q + m`.
/// 5. `Q8_0`: d, 32 signed bytes; `w = d q`.
final class ClassicBlocks {
    private ClassicBlocks() {}

    static void q40(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int j = 0; j < 16; j++) {
            int pair = u8(bytes, at + 2 + j);
            out[to + j] = scale * ((pair & 15) - 8);
            out[to + j + 16] = scale * ((pair >> 4) - 8);
        }
    }

    static void q41(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        float min = f16(bytes, at + 2);
        for (int j = 0; j < 16; j++) {
            int pair = u8(bytes, at + 4 + j);
            out[to + j] = (pair & 15) * scale + min;
            out[to + j + 16] = (pair >> 4) * scale + min;
        }
    }

    static void q50(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        int high = i32(bytes, at + 2);
        for (int j = 0; j < 16; j++) {
            int pair = u8(bytes, at + 6 + j);
            out[to + j] = scale * (((pair & 15) | bit(high, j) << 4) - 16);
            out[to + j + 16] = scale * (((pair >> 4) | bit(high, j + 16) << 4) - 16);
        }
    }

    static void q51(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        float min = f16(bytes, at + 2);
        int high = i32(bytes, at + 4);
        for (int j = 0; j < 16; j++) {
            int pair = u8(bytes, at + 8 + j);
            out[to + j] = ((pair & 15) | bit(high, j) << 4) * scale + min;
            out[to + j + 16] = ((pair >> 4) | bit(high, j + 16) << 4) * scale + min;
        }
    }

    static void q80(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int j = 0; j < 32; j++) {
            out[to + j] = scale * i8(bytes, at + 2 + j);
        }
    }

    private static int bit(int bits, int index) {
        return (bits >>> index) & 1;
    }
}
