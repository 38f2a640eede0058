package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;
import static dev.trimtab.tensor.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/// Ternary and binary encodings with one f16 scale d.
///
/// 1. `TQ1_0`: 48 bytes of five trits (32 bytes, then 16; trit n of all bytes before trit n + 1), 4 bytes of
///    four trits, d. A byte holds the base-3 fraction of its trits rounded up: trit n is the integer part of
///    `3 (byte 3^n mod 256) / 256`. `w = d (t - 1)`.
/// 2. `TQ2_0`: 64 bytes of four 2-bit codes (32 bytes at a time, code n of all before code n + 1), d; `w = d
///    (q - 1)`.
/// 3. `Q2_0`: d, 16 bytes of four 2-bit codes, element order; `w = d (q - 1)`.
/// 4. `Q1_0`: d, 16 bytes of bits, lowest first; `w = d` where set, `-d` where not.
final class FewBitBlocks {
    private static final int[] POWERS_OF_THREE = {1, 3, 9, 27, 81};

    private FewBitBlocks() {}

    static void tq10(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at + 52);
        trits(bytes, at, 32, 5, scale, out, to);
        trits(bytes, at + 32, 16, 5, scale, out, to + 160);
        trits(bytes, at + 48, 4, 4, scale, out, to + 240);
    }

    private static void trits(MemorySegment bytes, long at, int length, int perByte, float scale, float[] out, int to) {
        for (int n = 0; n < perByte; n++) {
            for (int j = 0; j < length; j++) {
                int fraction = u8(bytes, at + j) * POWERS_OF_THREE[n] & 0xff;
                out[to + n * length + j] = (((fraction * 3) >> 8) - 1) * scale;
            }
        }
    }

    static void tq20(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at + 64);
        for (int element = 0; element < 256; element++) {
            int half = element / 128;
            int q = u8(bytes, at + 32L * half + element % 32) >> (2 * (element / 32 % 4)) & 3;
            out[to + element] = (q - 1) * scale;
        }
    }

    static void q20(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int j = 0; j < 64; j++) {
            int q = u8(bytes, at + 2 + j / 4) >> (2 * (j % 4)) & 3;
            out[to + j] = (q - 1) * scale;
        }
    }

    static void q10(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        for (int j = 0; j < 128; j++) {
            int bit = u8(bytes, at + 2 + j / 8) >> (j % 8) & 1;
            out[to + j] = bit == 1 ? scale : -scale;
        }
    }
}
