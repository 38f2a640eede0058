package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;
import static dev.trimtab.tensor.LittleEndian.i32;
import static dev.trimtab.tensor.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/// Our own blocks of 32 codes, for widths that ggml's [ClassicBlocks] lack; a block is
///
/// 1. an f16 scale d;
/// 2. in those with a minimum, an f16 minimum m;
/// 3. 32 codes of n bits in `4 n` bytes, one after the other, the first in the lowest bits.
///
/// `w = d (q - 2^(n-1))`, or `w = d q + m`, as in the kernels' formats of the same names.
final class CodeBlocks {
    private static final int ELEMENTS = 32;

    private CodeBlocks() {}

    /// Blocks without a minimum.
    static BlockDecoder centred(int bits) {
        int centre = 1 << (bits - 1);
        return (bytes, at, out, to) -> {
            float scale = f16(bytes, at);
            for (int i = 0; i < ELEMENTS; i++) {
                out[to + i] = (code(bytes, at + 2, i, bits) - centre) * scale;
            }
        };
    }

    /// Blocks with one.
    static BlockDecoder withMinimum(int bits) {
        return (bytes, at, out, to) -> {
            float scale = f16(bytes, at);
            float minimum = f16(bytes, at + 2);
            for (int i = 0; i < ELEMENTS; i++) {
                out[to + i] = code(bytes, at + 4, i, bits) * scale + minimum;
            }
        };
    }

    /// Element `i`'s code: a code lies in two bytes at most. The window of four that is read ends with the
    /// codes, so that it never leaves the block.
    private static int code(MemorySegment bytes, long codes, int i, int bits) {
        if (bits == Byte.SIZE) {
            return u8(bytes, codes + i);
        }
        int window = Math.min(i * bits / Byte.SIZE, ELEMENTS * bits / Byte.SIZE - Integer.BYTES);
        return i32(bytes, codes + window) >>> (i * bits - window * Byte.SIZE) & ((1 << bits) - 1);
    }
}
