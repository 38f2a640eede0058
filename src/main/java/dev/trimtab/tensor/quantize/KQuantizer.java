package dev.trimtab.tensor.quantize;

/// Encodes ggml's k-quants, 256 weights in groups with small integer scales; the layouts stand at
/// `KQuantBlocks`, the search for scales at [GroupScales] and [GroupRanges].
final class KQuantizer {
    private static final GroupRanges.Format Q2 = new GroupRanges.Format(16, new Codes(0, 3, 4), 15);
    private static final GroupRanges.Format Q4 = new GroupRanges.Format(32, new Codes(0, 15, 4), 63);
    private static final GroupRanges.Format Q5 = new GroupRanges.Format(32, new Codes(0, 31, 4), 63);
    private static final GroupScales.Format Q3 = new GroupScales.Format(new Codes(-4, 3, 9), new Codes(-32, 31, 1));
    private static final GroupScales.Format Q6 = new GroupScales.Format(new Codes(-32, 31, 5), new Codes(-128, 127, 1));

    private KQuantizer() {}

    static void q2k(Run run, BlockBytes block) {
        GroupRanges ranges = GroupRanges.search(run, Q2);
        block.f16(80, ranges.scale());
        block.f16(82, ranges.min());
        for (int group = 0; group < 16; group++) {
            block.or(group, ranges.scale(group) | ranges.min(group) << 4);
        }
        for (int i = 0; i < 256; i++) {
            lowBits(block, 16, i, ranges.code(i));
        }
    }

    static void q3k(Run run, BlockBytes block) {
        GroupScales scales = GroupScales.search(run, Q3);
        block.f16(108, scales.scale());
        for (int group = 0; group < 16; group++) {
            int stored = scales.scale(group) + 32;
            block.or(96 + group % 8, (stored & 15) << (4 * (group / 8)));
            block.or(104 + group % 4, stored >> 4 << (2 * (group / 4)));
        }
        for (int i = 0; i < 256; i++) {
            int stored = scales.code(i) + 4;
            lowBits(block, 32, i, stored & 3);
            block.or(i % 32, stored >> 2 << (i / 32));
        }
    }

    static void q4k(Run run, BlockBytes block) {
        GroupRanges ranges = ranges(run, Q4, block);
        for (int i = 0; i < 256; i++) {
            lowNibble(block, 16, i, ranges.code(i));
        }
    }

    static void q5k(Run run, BlockBytes block) {
        GroupRanges ranges = ranges(run, Q5, block);
        for (int i = 0; i < 256; i++) {
            int code = ranges.code(i);
            lowNibble(block, 48, i, code & 15);
            block.or(16 + i % 32, code >> 4 << (i / 32));
        }
    }

    static void q6k(Run run, BlockBytes block) {
        GroupScales scales = GroupScales.search(run, Q6);
        block.f16(208, scales.scale());
        for (int group = 0; group < 16; group++) {
            block.or(192 + group, scales.scale(group));
        }
        for (int i = 0; i < 256; i++) {
            int stored = scales.code(i) + 32;
            int half = i / 128;
            int part = i / 32 % 4;
            block.or(64 * half + 32 * (part % 2) + i % 32, (stored & 15) << (4 * (part / 2)));
            block.or(128 + 32 * half + i % 32, stored >> 4 << (2 * part));
        }
    }

    /// Searches, and writes what `Q4_K` and `Q5_K` have in common: the floats, then the integers of six
    /// bits.
    private static GroupRanges ranges(Run run, GroupRanges.Format format, BlockBytes block) {
        GroupRanges ranges = GroupRanges.search(run, format);
        block.f16(0, ranges.scale());
        block.f16(2, ranges.min());
        for (int group = 0; group < 4; group++) {
            int scale = ranges.scale(group + 4);
            int min = ranges.min(group + 4);
            block.or(4 + group, ranges.scale(group) | scale >> 4 << 6);
            block.or(8 + group, ranges.min(group) | min >> 4 << 6);
            block.or(12 + group, (scale & 15) | (min & 15) << 4);
        }
        return ranges;
    }

    /// Two bits of element `i` of 256: four elements 32 apart share a byte.
    private static void lowBits(BlockBytes block, int at, int i, int bits) {
        block.or(at + 32 * (i / 128) + i % 32, bits << (2 * (i / 32 % 4)));
    }

    /// A nibble of element `i` of 256: two elements 32 apart share a byte.
    private static void lowNibble(BlockBytes block, int at, int i, int nibble) {
        block.or(at + 32 * (i / 64) + i % 32, nibble << (4 * (i / 32 % 2)));
    }
}
