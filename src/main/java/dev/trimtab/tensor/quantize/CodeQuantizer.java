package dev.trimtab.tensor.quantize;

import dev.trimtab.tensor.quantize.CodeKind.Zero;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Encodes blocks of 32 codes with one scale (and minimum), ggml's and ours; the layouts stand at
/// `ClassicBlocks` and `CodeBlocks`.
public record CodeQuantizer(CodeKind kind) implements BlockEncoder {
    /// Weights in a block.
    public static final int BLOCK = 32;

    @Override
    public void encode(Run run, BlockBytes block) {
        CodeGrid grid = kind.search(run);
        putScales(grid, block);
        for (int j = 0; j < BLOCK; j++) {
            put(block, j, grid.code(run.weights()[run.from() + j]));
        }
    }

    /// Writes codes chosen elsewhere: those of one block, `codes[from .. from + 32)` on `grid`, to the bytes
    /// from `at` on of `out`.
    public void write(CodeGrid grid, byte[] codes, int from, MemorySegment out, long at) {
        BlockBytes block = new BlockBytes(kind.encoding().blockBytes());
        putScales(grid, block);
        for (int j = 0; j < BLOCK; j++) {
            put(block, j, Byte.toUnsignedInt(codes[from + j]));
        }
        MemorySegment.copy(block.bytes(), 0, out, ValueLayout.JAVA_BYTE, at, block.bytes().length);
    }

    private void putScales(CodeGrid grid, BlockBytes block) {
        block.f16(0, grid.scale());
        if (kind.zero() == Zero.MINIMUM) {
            block.f16(2, grid.minimum());
        }
    }

    private void put(BlockBytes block, int j, int code) {
        int at = kind.zero() == Zero.MINIMUM ? 4 : 2;
        switch (kind.bits()) {
            case 4 -> nibble(block, at, j, code);
            case 5 -> fiveBits(block, at, j, code);
            case 7, 8 -> block.or(at + j, kind.zero() == Zero.MINIMUM ? code : code - kind.centre());
            default -> stream(block, at, j, code);
        }
    }

    /// The code of element `j` of 32 into the nibbles that begin at byte `at`.
    private static void nibble(BlockBytes block, int at, int j, int code) {
        block.or(at + j % 16, code << (4 * (j / 16)));
    }

    /// Bit 4 into the u32 at byte `at`, the rest into the nibbles after it.
    private static void fiveBits(BlockBytes block, int at, int j, int code) {
        block.or(at + j / 8, code >> 4 << (j % 8));
        nibble(block, at + 4, j, code & 15);
    }

    /// One code after the other, across bytes.
    private void stream(BlockBytes block, int at, int j, int code) {
        int bit = j * kind.bits();
        int shifted = code << bit % Byte.SIZE;
        block.or(at + bit / Byte.SIZE, shifted);
        if (shifted > 0xff) {
            block.or(at + bit / Byte.SIZE + 1, shifted >> Byte.SIZE);
        }
    }
}
