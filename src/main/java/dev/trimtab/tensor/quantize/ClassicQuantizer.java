package dev.trimtab.tensor.quantize;

import dev.trimtab.tensor.quantize.RangeSearch.Minimum;
import dev.trimtab.tensor.quantize.RangeSearch.Range;

/// Encodes ggml's blocks of 32 with one scale (and minimum); the layouts stand at `ClassicBlocks`.
final class ClassicQuantizer {
    private static final Codes SIGNED_4 = new Codes(-8, 7, 9);
    private static final Codes SIGNED_5 = new Codes(-16, 15, 9);
    private static final Codes SIGNED_8 = new Codes(-127, 127, 3);
    private static final Codes UNSIGNED_4 = new Codes(0, 15, 4);
    private static final Codes UNSIGNED_5 = new Codes(0, 31, 4);

    private ClassicQuantizer() {}

    static void q40(Run run, BlockBytes block) {
        float inverse = ScaleSearch.inverse(block.f16(0, ScaleSearch.best(run, SIGNED_4)));
        for (int j = 0; j < 32; j++) {
            nibble(block, 2, j, SIGNED_4.of(weight(run, j) * inverse) + 8);
        }
    }

    static void q41(Run run, BlockBytes block) {
        Range range = range(run, block, UNSIGNED_4);
        for (int j = 0; j < 32; j++) {
            nibble(block, 4, j, UNSIGNED_4.of((weight(run, j) - range.min()) * range.inverse()));
        }
    }

    static void q50(Run run, BlockBytes block) {
        float inverse = ScaleSearch.inverse(block.f16(0, ScaleSearch.best(run, SIGNED_5)));
        for (int j = 0; j < 32; j++) {
            fiveBits(block, 2, j, SIGNED_5.of(weight(run, j) * inverse) + 16);
        }
    }

    static void q51(Run run, BlockBytes block) {
        Range range = range(run, block, UNSIGNED_5);
        for (int j = 0; j < 32; j++) {
            fiveBits(block, 4, j, UNSIGNED_5.of((weight(run, j) - range.min()) * range.inverse()));
        }
    }

    static void q80(Run run, BlockBytes block) {
        float inverse = ScaleSearch.inverse(block.f16(0, ScaleSearch.best(run, SIGNED_8)));
        for (int j = 0; j < 32; j++) {
            block.or(2 + j, SIGNED_8.of(weight(run, j) * inverse));
        }
    }

    /// Writes scale and minimum and answers them as written.
    private static Range range(Run run, BlockBytes block, Codes codes) {
        Range best = RangeSearch.best(run, codes, Minimum.ANY);
        return new Range(block.f16(0, best.scale()), block.f16(2, best.min()), 0);
    }

    private static float weight(Run run, int index) {
        return run.weights()[run.from() + index];
    }

    /// Puts code `q` of element `j` of 32 into the nibbles that begin at byte `at`.
    static void nibble(BlockBytes block, int at, int j, int q) {
        block.or(at + j % 16, q << (4 * (j / 16)));
    }

    /// Bit 4 into the u32 at byte `at`, the rest into the nibbles after it.
    private static void fiveBits(BlockBytes block, int at, int j, int q) {
        block.or(at + j / 8, q >> 4 << (j % 8));
        nibble(block, at + 4, j, q & 15);
    }
}
