package dev.trimtab.tensor;

import static dev.trimtab.tensor.LittleEndian.f16;

import java.lang.foreign.MemorySegment;

/// The scale, and the minimum, that an encoding keeps for each 32 columns of a row, for those encodings
/// that do: what a packer needs to take their codes over as they are. Weights are `scale (code -
/// 2^(bits-1))`, or `scale code + minimum` where there is one.
public enum CodeScales {
    Q4_0(4, Minimum.NONE),
    Q5_0(5, Minimum.NONE),
    Q8_0(8, Minimum.NONE),
    Q4_1(4, Minimum.STORED),
    Q5_1(5, Minimum.STORED),
    Q4_K(4, Minimum.STORED),
    Q5_K(5, Minimum.STORED),
    /// Every other encoding.
    NONE(0, Minimum.NONE);

    private enum Minimum {
        NONE,
        STORED
    }

    /// Columns that share a scale.
    private static final int GROUP = 32;

    private final int codeBits;
    private final Minimum minimum;

    CodeScales(int codeBits, Minimum minimum) {
        this.codeBits = codeBits;
        this.minimum = minimum;
    }

    /// What `encoding` has.
    public static CodeScales of(Encoding encoding) {
        return switch (encoding) {
            case Q4_0 -> Q4_0;
            case Q5_0 -> Q5_0;
            case Q8_0 -> Q8_0;
            case Q4_1 -> Q4_1;
            case Q5_1 -> Q5_1;
            case Q4_K -> Q4_K;
            case Q5_K -> Q5_K;
            default -> NONE;
        };
    }

    /// Bits of a code; 0 where there are no such scales.
    public int codeBits() {
        return codeBits;
    }

    public boolean hasMinimum() {
        return minimum == Minimum.STORED;
    }

    /// The scale of row `row`'s columns from `column`, a multiple of 32.
    public float scale(Tensor tensor, long row, int column) {
        long at = block(tensor, row, column);
        return switch (this) {
            case Q4_0, Q5_0, Q8_0, Q4_1, Q5_1 -> f16(tensor.data(), at);
            case Q4_K, Q5_K -> f16(tensor.data(), at) * KQuantBlocks.scale6(tensor.data(), at + 4, group(column));
            case NONE -> 0;
        };
    }

    /// The minimum, likewise; 0 where there is none.
    public float minimum(Tensor tensor, long row, int column) {
        MemorySegment data = tensor.data();
        long at = block(tensor, row, column);
        return switch (this) {
            case Q4_1, Q5_1 -> f16(data, at + 2);
            case Q4_K, Q5_K -> -f16(data, at + 2) * KQuantBlocks.min6(data, at + 4, group(column));
            case Q4_0, Q5_0, Q8_0, NONE -> 0;
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
