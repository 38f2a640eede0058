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
/// The tables are [ValueTable]'s; E2M1's holds doubled values, so [BlockScales] are halved.
final class TableBlocks {
    private TableBlocks() {}

    static void iq4nl(MemorySegment bytes, long at, float[] out, int to) {
        run(bytes, at + 2, 16, ValueTable.NON_LINEAR, f16(bytes, at), out, to);
    }

    static void iq4xs(MemorySegment bytes, long at, float[] out, int to) {
        float scale = f16(bytes, at);
        int highs = u16(bytes, at + 2);
        for (int group = 0; group < 8; group++) {
            int low = (u8(bytes, at + 4 + group / 2) >> (4 * (group & 1))) & 15;
            int high = (highs >> (2 * group)) & 3;
            float groupScale = scale * ((low | high << 4) - 32);
            run(bytes, at + 8 + 16L * group, 16, ValueTable.NON_LINEAR, groupScale, out, to + 32 * group);
        }
    }

    static void mxfp4(MemorySegment bytes, long at, float[] out, int to) {
        run(bytes, at + 1, 16, ValueTable.E2M1_DOUBLED, BlockScales.halfPowerOfTwo(u8(bytes, at)), out, to);
    }

    static void nvfp4(MemorySegment bytes, long at, float[] out, int to) {
        for (int group = 0; group < 4; group++) {
            float scale = BlockScales.halfE4M3(u8(bytes, at + group));
            run(bytes, at + 4 + 8L * group, 8, ValueTable.E2M1_DOUBLED, scale, out, to + 16 * group);
        }
    }

    /// `length` bytes: their low nibbles are the first `length` elements, their high nibbles the next.
    private static void run(
            MemorySegment bytes, long at, int length, ValueTable table, float scale, float[] out, int to) {
        for (int j = 0; j < length; j++) {
            int pair = u8(bytes, at + j);
            out[to + j] = scale * table.value(pair & 15);
            out[to + j + length] = scale * table.value(pair >> 4);
        }
    }
}
