package dev.trimtab.tensor;

import java.lang.foreign.MemorySegment;

/// Decodes one block of one encoding.
///
/// Each is checked bit for bit against ggml's `dequantize_row_*` (`ggml-quants.c`), so the order of the float
/// operations is part of the format: a formula `d s q` here means `(d * s) * q`.
@FunctionalInterface
interface BlockDecoder {
    /// Writes the elements of the block that begins at byte `at` of `bytes` to `out[to ..]`.
    void decode(MemorySegment bytes, long at, float[] out, int to);
}
