package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;
import static dev.trimtab.tensor.LittleEndian.u16;
import static dev.trimtab.tensor.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/// ggml's encodings of less than 2 bits: 256 elements in runs of 8, each an entry g of -1, 0 and 1 of an
/// 11-bit [Grid], shifted up or down by 1/8.
///
/// 1. `IQ1_S`: f16 d; 32 bytes of entries' low bits; eight u16, one a group of four runs: four times three
///    high bits, a 3-bit scale s, the shift's sign. `w = d (2 s + 1) (g ± 0.125)`.
/// 2. `IQ1_M`: 32 bytes of entries' low bits; 16 bytes, a nibble a run: three high bits, the shift's sign;
///    four u16, each with four 3-bit scales (for two runs each) and on top four bits of the f16 d.
final class DeltaGridBlocks {
    private static final float DELTA = 0.125f;

    private DeltaGridBlocks() {}

    static void iq1s(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int run = 0; run < 32; run++) {
            int packed = u16(bytes, at + 34 + 2L * (run / 4));
            float runScale = scale * (2 * (packed >> 12 & 7) + 1);
            int entry = u8(bytes, at + 2 + run) | (packed >> (3 * (run % 4)) & 7) << 8;
            shifted(entry, runScale, (packed & 0x8000) == 0 ? DELTA : -DELTA, out, to + 8 * run);
        }
    }

    static void iq1m(MemorySegment bytes, long at, float[] out, int to) {
        float scale = topBits(bytes, at + 48);
        for (int run = 0; run < 32; run++) {
            int packed = u8(bytes, at + 32 + run / 2) >> (4 * (run & 1)) & 15;
            int scaleBits = u16(bytes, at + 48 + 2L * (run / 8)) >> (3 * (run / 2 % 4)) & 7;
            int entry = u8(bytes, at + run) | (packed & 7) << 8;
            shifted(entry, scale * (2 * scaleBits + 1), (packed & 8) == 0 ? DELTA : -DELTA, out, to + 8 * run);
        }
    }

    private static void shifted(int entry, float scale, float delta, float[] out, int to) {
        for (int j = 0; j < 8; j++) {
            out[to + j] = scale * (Grid.IQ1.value(entry, j) + delta);
        }
    }

    /// The f16 whose nibbles, lowest first, are the top ones of four u16.
    private static float topBits(MemorySegment bytes, long at) {
        int bits = 0;
        for (int i = 0; i < 4; i++) {
            bits |= u16(bytes, at + 2L * i) >> 12 << (4 * i);
        }
        return Float.float16ToFloat((short) bits);
    }
}
