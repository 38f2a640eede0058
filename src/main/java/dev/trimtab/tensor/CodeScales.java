package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;

import java.lang.foreign.MemorySegment;

/// The scale, and the minimum, that an encoding keeps for each 32 columns of a row, for those encodings
/// that do: what a packer needs to take their codes over as they are. Weights are `scale (code -
/// 2^(bits-1))`, or `scale code + minimum` where there is one.
///
/// @param codeBits bits of a code; 0 where there are no such scales
/// @param hasMinimum whether there is a minimum
/// @param place where they stand
public record CodeScales(int codeBits, boolean hasMinimum, Place place) {
    /// Where scales stand.
    public enum Place {
        /// An f16 scale at the block's start and an f16 minimum after it.
        BLOCK,
        /// As [KQuantBlocks] has them: integers of six bits times floats of the super-block.
        SUPER_BLOCK,
        NOWHERE
    }

    private static final CodeScales NONE = new CodeScales(0, false, Place.NOWHERE);

    /// Columns that share a scale.
    private static final int GROUP = 32;

    /// What `encoding` has.
    public static CodeScales of(Encoding encoding) {
        return switch (encoding) {
            case INT2 -> centred(2);
            case INT3 -> centred(3);
            case Q4_0 -> centred(4);
            case Q5_0 -> centred(5);
            case INT6 -> centred(6);
            case Q8_0 -> centred(8);
            case INT2_MINIMUM -> withMinimum(2, Place.BLOCK);
            case INT3_MINIMUM -> withMinimum(3, Place.BLOCK);
            case Q4_1 -> withMinimum(4, Place.BLOCK);
            case Q5_1 -> withMinimum(5, Place.BLOCK);
            case INT6_MINIMUM -> withMinimum(6, Place.BLOCK);
            case INT8_MINIMUM -> withMinimum(8, Place.BLOCK);
            case Q4_K -> withMinimum(4, Place.SUPER_BLOCK);
            case Q5_K -> withMinimum(5, Place.SUPER_BLOCK);
            default -> NONE;
        };
    }

    private static CodeScales centred(int bits) {
        return new CodeScales(bits, false, Place.BLOCK);
    }

    private static CodeScales withMinimum(int bits, Place place) {
        return new CodeScales(bits, true, place);
    }

    /// The scale of row `row`'s columns from `column`, a multiple of 32.
    public float scale(Tensor tensor, long row, int column) {
        MemorySegment data = tensor.data();
        long at = block(tensor, row, column);
        return switch (place) {
            case BLOCK -> f16(data, at);
            case SUPER_BLOCK -> f16(data, at) * KQuantBlocks.scale6(data, at + 4, group(column));
            case NOWHERE -> 0;
        };
    }

    /// The minimum, likewise; 0 where there is none.
    public float minimum(Tensor tensor, long row, int column) {
        if (!hasMinimum) {
            return 0;
        }
        MemorySegment data = tensor.data();
        long at = block(tensor, row, column);
        return switch (place) {
            case BLOCK -> f16(data, at + 2);
            case SUPER_BLOCK -> -f16(data, at + 2) * KQuantBlocks.min6(data, at + 4, group(column));
            case NOWHERE -> 0;
        };
    }

    private static long block(Tensor tensor, long row, int column) {
        Encoding encoding = tensor.encoding();
        long first = row * tensor.shape().columns() + column;
        return first / encoding.blockElements() * encoding.blockBytes();
    }

    private static int group(int column) {
        return column / GROUP % 8;
    }
}
