package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;
import static dev.trimtab.tensor.LittleEndian.i32;
import static dev.trimtab.tensor.LittleEndian.u16;
import static dev.trimtab.tensor.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/// ggml's grid encodings of 2 and 3 bits: 256 elements in eight groups of 32, each of four runs of 8. A run's
/// magnitudes are one entry of eight (or two of four) of a [Grid], its signs a byte; in three encodings only
/// seven signs are stored and the eighth makes their number of minuses even.
///
/// 1. `IQ2_XXS`: f16 d; for each group four entry bytes and a u32 of four 7-bit signs and, on top, a 4-bit
///    scale s. `w = d (0.5 + s) / 4 g`.
/// 2. `IQ2_XS`: d; a u16 for each run: 9 bits of entry, 7 of signs; a nibble of scale for each two runs. As
///    `IQ2_XXS`.
/// 3. `IQ2_S`: d; 32 bytes of entries' low bits; 32 of signs; 8 bytes of their two high bits; nibbles of
///    scales.
/// 4. `IQ3_XXS`: d; 64 bytes of entries of four; eight u32 as in `IQ2_XXS`. `w = d (0.5 + s) / 2 g`.
/// 5. `IQ3_S`: d; 64 bytes of entries' low bits; 8 of their high bit; 32 of signs; a nibble of scale for each
///    group. `w = d (1 + 2 s) g`.
final class GridBlocks {
    private GridBlocks() {}

    static void iq2xxs(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int group = 0; group < 8; group++) {
            long entries = at + 2 + 8L * group;
            int packed = i32(bytes, entries + 4);
            float groupScale = scale * (0.5f + (packed >>> 28)) * 0.25f;
            for (int run = 0; run < 4; run++) {
                int signs = evenSigns(packed >>> (7 * run));
                signed(Grid.IQ2_XXS, u8(bytes, entries + run), groupScale, signs, out, to + 32 * group + 8 * run);
            }
        }
    }

    static void iq2xs(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int run = 0; run < 32; run++) {
            int packed = u16(bytes, at + 2 + 2L * run);
            float runScale = scale * (0.5f + nibble(bytes, at + 66, run / 2)) * 0.25f;
            signed(Grid.IQ2_XS, packed & 511, runScale, evenSigns(packed >> 9), out, to + 8 * run);
        }
    }

    static void iq2s(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int run = 0; run < 32; run++) {
            int high = u8(bytes, at + 66 + run / 4) >> (2 * (run % 4)) & 3;
            float runScale = scale * (0.5f + nibble(bytes, at + 74, run / 2)) * 0.25f;
            int signs = u8(bytes, at + 34 + run);
            signed(Grid.IQ2_S, u8(bytes, at + 2 + run) | high << 8, runScale, signs, out, to + 8 * run);
        }
    }

    static void iq3xxs(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int group = 0; group < 8; group++) {
            int packed = i32(bytes, at + 66 + 4L * group);
            float groupScale = scale * (0.5f + (packed >>> 28)) * 0.5f;
            for (int run = 0; run < 4; run++) {
                long entries = at + 2 + 8L * group + 2L * run;
                int signs = evenSigns(packed >>> (7 * run));
                int start = to + 32 * group + 8 * run;
                signed(Grid.IQ3_XXS, u8(bytes, entries), groupScale, signs, out, start);
                signed(Grid.IQ3_XXS, u8(bytes, entries + 1), groupScale, signs >> 4, out, start + 4);
            }
        }
    }

    static void iq3s(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int run = 0; run < 32; run++) {
            int group = run / 4;
            float groupScale = scale * (1 + 2 * nibble(bytes, at + 106, group));
            int highs = u8(bytes, at + 66 + group) >> (2 * (run % 4));
            int signs = u8(bytes, at + 74 + run);
            long entries = at + 2 + 2L * run;
            int start = to + 8 * run;
            signed(Grid.IQ3_S, u8(bytes, entries) | (highs & 1) << 8, groupScale, signs, out, start);
            signed(Grid.IQ3_S, u8(bytes, entries + 1) | (highs & 2) << 7, groupScale, signs >> 4, out, start + 4);
        }
    }

    /// One entry times the scale; bit j of `signs` negates element j.
    private static void signed(Grid grid, int entry, float scale, int signs, float[] out, int to) {
        for (int j = 0; j < grid.width(); j++) {
            float magnitude = scale * grid.value(entry, j);
            out[to + j] = (signs >> j & 1) == 0 ? magnitude : -magnitude;
        }
    }

    /// The low seven bits and the eighth that makes the number of ones even (ggml's table `ksigns_iq2xs`).
    private static int evenSigns(int bits) {
        int seven = bits & 127;
        return seven | (Integer.bitCount(seven) & 1) << 7;
    }

    private static int nibble(MemorySegment bytes, long at, int index) {
        return u8(bytes, at + index / 2) >> (4 * (index & 1)) & 15;
    }
}
