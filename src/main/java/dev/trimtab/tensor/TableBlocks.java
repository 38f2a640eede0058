package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;
import static dev.trimtab.tensor.LittleEndian.u16;
import static dev.trimtab.tensor.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/// Encodings whose nibbles index a table of 16 values; nibbles lie as in [ClassicBlocks], in runs.
///
/// 1. `IQ4_NL`: f16 d, 16 bytes; `w = d t[q]`, the table denser near zero.
/// 2. `IQ4_XS`: f16 d, u16 high bits and 4 bytes low nibbles of eight 6-bit scales, 128 bytes; `w = d (s -
///    32) t[q]`.
/// 3. `MXFP4` (OCP Microscaling 1.0): u8 exponent e (E8M0), 16 bytes of E2M1; `w = 2^(e - 127) v`.
/// 4. `NVFP4`: 4 scales (E4M3 without sign), 32 bytes of E2M1 in runs of 16; `w = s v`.
///
/// The table of E2M1 holds doubled values so that it is integers; the scales below are halved in return.
final class TableBlocks {
    static final byte[] NON_LINEAR = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    static final byte[] E2M1_DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private TableBlocks() {}

    static void iq4nl(MemorySegment bytes, long at, float[] out, int to) {
        run(bytes, at + 2, 16, NON_LINEAR, f16(bytes, at), out, to);
    }

    static void iq4xs(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        int highs = u16(bytes, at + 2);
        for (int group = 0; group < 8; group++) {
            int low = (u8(bytes, at + 4 + group / 2) >> (4 * (group & 1))) & 15;
            int high = (highs >> (2 * group)) & 3;
            float groupScale = scale * ((low | high << 4) - 32);
            run(bytes, at + 8 + 16L * group, 16, NON_LINEAR, groupScale, out, to + 32 * group);
        }
    }

    static void mxfp4(MemorySegment bytes, long at, float[] out, int to) {
        run(bytes, at + 1, 16, E2M1_DOUBLED, halfPowerOfTwo(u8(bytes, at)), out, to);
    }

    static void nvfp4(MemorySegment bytes, long at, float[] out, int to) {
        for (int group = 0; group < 4; group++) {
            float scale = halfE4M3(u8(bytes, at + group));
            run(bytes, at + 4 + 8L * group, 8, E2M1_DOUBLED, scale, out, to + 16 * group);
        }
    }

    /// `length` bytes: their low nibbles are the first `length` elements, their high nibbles the next.
    private static void run(MemorySegment bytes, long at, int length, byte[] table, float scale, float[] out, int to) {
        for (int j = 0; j < length; j++) {
            int pair = u8(bytes, at + j);
            out[to + j] = scale * table[pair & 15];
            out[to + j + length] = scale * table[pair >> 4];
        }
    }

    /// `2^(exponent - 128)`; below 2 that is a subnormal float.
    static float halfPowerOfTwo(int exponent) {
        return Float.intBitsToFloat(exponent < 2 ? 0x0020_0000 << exponent : (exponent - 1) << 23);
    }

    /// Half the value of an E4M3 number without sign (bias 7); 0x7F, which would be NaN, counts as 0.
    static float halfE4M3(int bits) {
        if (bits == 0x7f) {
            return 0;
        }
        int exponent = bits >> 3 & 15;
        int mantissa = bits & 7;
        return exponent == 0 ? Math.scalb((float) mantissa, -10) : Math.scalb(1 + mantissa / 8f, exponent - 8);
    }
}
