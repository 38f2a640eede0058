package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;
import static dev.trimtab.tensor.LittleEndian.i8;
import static dev.trimtab.tensor.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/// ggml's K-quants: `QK_K = 256` elements in groups of 16 or 32, whose small integer scales share f16 scales
/// d (and minima dmin) of the whole block.
///
/// 1. `Q2_K`: 16 bytes (scale low nibble, minimum high) for groups of 16; 64 bytes of 2-bit q; d, dmin. `w =
///    d sc q - dmin mn`. Each half of 128 elements uses 32 bytes, its four runs of 32 the bits 0-1, 2-3, 4-5,
///    6-7.
/// 2. `Q3_K`: 32 bytes of high bits, 64 bytes of low bits as `Q2_K`'s, 12 bytes of 6-bit scales, d.
///    `w = d (sc - 32) (q - 4)`; run r of 32 takes bit r of the high bytes.
/// 3. `Q4_K`: d, dmin, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles; groups of 32; each 64
///    elements use 32 bytes, low nibbles first. `w = d sc q - dmin mn`.
/// 4. `Q5_K`: as `Q4_K` with 32 bytes of high bits before the nibbles; group g takes bit g.
/// 5. `Q6_K`: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales for groups of 16, d.
///    `w = d sc (q - 32)`; each half uses 64 + 32 bytes.
final class KQuantBlocks {
    private KQuantBlocks() {}

    static void q2k(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at + 80);
        float min = f16(bytes, at + 82);
        for (int group = 0; group < 16; group++) {
            int packed = u8(bytes, at + group);
            float groupScale = scale * (packed & 15);
            float groupMin = min * (packed >> 4);
            long codes = at + 16 + lowBytes(group);
            for (int j = 0; j < 16; j++) {
                int q = (u8(bytes, codes + j) >> lowShift(group)) & 3;
                out[to + 16 * group + j] = groupScale * q - groupMin;
            }
        }
    }

    static void q3k(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at + 108);
        for (int group = 0; group < 16; group++) {
            float groupScale = scale * (scale3(bytes, at + 96, group) - 32);
            long codes = at + 32 + lowBytes(group);
            long highs = at + 16L * (group & 1);
            for (int j = 0; j < 16; j++) {
                int low = (u8(bytes, codes + j) >> lowShift(group)) & 3;
                int high = (u8(bytes, highs + j) >> (group / 2)) & 1;
                out[to + 16 * group + j] = groupScale * (low - (high == 0 ? 4 : 0));
            }
        }
    }

    static void q4k(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        float min = f16(bytes, at + 2);
        for (int group = 0; group < 8; group++) {
            float groupScale = scale * scale6(bytes, at + 4, group);
            float groupMin = min * min6(bytes, at + 4, group);
            long codes = at + 16 + 32L * (group / 2);
            int shift = 4 * (group & 1);
            for (int j = 0; j < 32; j++) {
                int q = (u8(bytes, codes + j) >> shift) & 15;
                out[to + 32 * group + j] = groupScale * q - groupMin;
            }
        }
    }

    static void q5k(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        float min = f16(bytes, at + 2);
        for (int group = 0; group < 8; group++) {
            float groupScale = scale * scale6(bytes, at + 4, group);
            float groupMin = min * min6(bytes, at + 4, group);
            long codes = at + 48 + 32L * (group / 2);
            int shift = 4 * (group & 1);
            for (int j = 0; j < 32; j++) {
                int low = (u8(bytes, codes + j) >> shift) & 15;
                int high = (u8(bytes, at + 16 + j) >> group) & 1;
                out[to + 32 * group + j] = groupScale * (low | high << 4) - groupMin;
            }
        }
    }

    static void q6k(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at + 208);
        for (int group = 0; group < 16; group++) {
            float groupScale = scale * i8(bytes, at + 192 + group);
            int half = group / 8;
            int run = (group / 2) & 3;
            long lows = at + 64L * half + 32L * (run & 1) + 16L * (group & 1);
            long highs = at + 128 + 32L * half + 16L * (group & 1);
            for (int j = 0; j < 16; j++) {
                int low = (u8(bytes, lows + j) >> (4 * (run / 2))) & 15;
                int high = (u8(bytes, highs + j) >> (2 * run)) & 3;
                out[to + 16 * group + j] = groupScale * ((low | high << 4) - 32);
            }
        }
    }

    /// Where the 2-bit codes of a group of 16 begin: 32 bytes a half, the group's parity picks 16 of them.
    private static int lowBytes(int group) {
        return 32 * (group / 8) + 16 * (group & 1);
    }

    private static int lowShift(int group) {
        return 2 * ((group / 2) & 3);
    }

    /// `Q3_K`: low four bits in byte k mod 8 (low nibbles first), high two in bytes 8 to 11.
    private static int scale3(MemorySegment bytes, long at, int group) {
        int low = (u8(bytes, at + (group & 7)) >> (4 * (group / 8))) & 15;
        int high = (u8(bytes, at + 8 + (group & 3)) >> (2 * (group / 4))) & 3;
        return low | high << 4;
    }

    /// `Q4_K`, `Q5_K`: scales 0-3 in the low six bits of bytes 0-3; 4-7 in the low nibbles of bytes 8-11 and
    /// the high bits of bytes 0-3.
    static int scale6(MemorySegment bytes, long at, int group) {
        return group < 4
                ? u8(bytes, at + group) & 63
                : (u8(bytes, at + group + 4) & 15) | (u8(bytes, at + group - 4) >> 6) << 4;
    }

    /// As [#scale6] with bytes 4-7 and the high nibbles.
    static int min6(MemorySegment bytes, long at, int group) {
        return group < 4
                ? u8(bytes, at + group + 4) & 63
                : (u8(bytes, at + group + 4) >> 4) | (u8(bytes, at + group) >> 6) << 4;
    }
}
