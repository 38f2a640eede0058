package dev.trimtab.kernel;

import dev.trimtab.tensor.Encoding;

/// How a weight is held in memory once packed. Packed bytes are never stored on disk.
///
/// Codes q of n bits mean `w = d (q - 2^(n-1))`, or `w = d q + m` in the asymmetric formats, with a scale
/// d (and a minimum m) in f16 for each row of a block of 32 columns. They lie in planes, a low one and a
/// high one: `q = low + 2^lowBits high`, so that every kernel sees planes of 4, 2 or 1 bits only.
public enum PackedFormat {
    F32(0, 0, Zero.CENTERED),
    BF16(0, 0, Zero.CENTERED),
    F16(0, 0, Zero.CENTERED),
    INT8(4, 4, Zero.CENTERED),
    INT8_ASYMMETRIC(4, 4, Zero.MINIMUM),
    INT6(4, 2, Zero.CENTERED),
    INT6_ASYMMETRIC(4, 2, Zero.MINIMUM),
    INT5(4, 1, Zero.CENTERED),
    INT5_ASYMMETRIC(4, 1, Zero.MINIMUM),
    INT4(4, 0, Zero.CENTERED),
    INT4_ASYMMETRIC(4, 0, Zero.MINIMUM),
    INT3(2, 1, Zero.CENTERED),
    INT3_ASYMMETRIC(2, 1, Zero.MINIMUM),
    INT2(2, 0, Zero.CENTERED),
    INT2_ASYMMETRIC(2, 0, Zero.MINIMUM);

    /// What a code of zero stands for.
    private enum Zero {
        /// The middle of the codes is the weight 0.
        CENTERED,
        /// The lowest code is the block's minimum.
        MINIMUM
    }

    private static final int TILE = 32;

    private final int lowBits;
    private final int highBits;
    private final Zero zero;

    PackedFormat(int lowBits, int highBits, Zero zero) {
        this.lowBits = lowBits;
        this.highBits = highBits;
        this.zero = zero;
    }

    /// The smallest format that holds every value of `encoding` exactly.
    public static PackedFormat lossless(Encoding encoding) {
        return switch (encoding) {
            case F16 -> F16;
            case BF16, F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ, I8, U8, MXFP8_E4M3, MXFP8_E5M2 -> BF16;
            case Q8_0 -> INT8;
            case INT8_MINIMUM -> INT8_ASYMMETRIC;
            case INT6 -> INT6;
            case INT6_MINIMUM -> INT6_ASYMMETRIC;
            case Q5_0 -> INT5;
            case Q5_1 -> INT5_ASYMMETRIC;
            case Q4_0 -> INT4;
            case Q4_1 -> INT4_ASYMMETRIC;
            case INT3 -> INT3;
            case INT3_MINIMUM -> INT3_ASYMMETRIC;
            case INT2 -> INT2;
            case INT2_MINIMUM -> INT2_ASYMMETRIC;
            default -> F32;
        };
    }

    /// The format to serve `encoding` in: exact where one of about its size is, else the nearest with no
    /// fewer bits. Q4_K's and Q5_K's codes stay, their scales are rounded to f16; what has scales for
    /// fewer than 32 columns, or codes that are no multiples of a scale, is rounded to INT8.
    public static PackedFormat nearest(Encoding encoding) {
        PackedFormat exact = lossless(encoding);
        if (exact != F32 || encoding.blockElements() == 1) {
            return exact;
        }
        return switch (encoding) {
            case Q4_K -> INT4_ASYMMETRIC;
            case Q5_K -> INT5_ASYMMETRIC;
            default -> INT8;
        };
    }

    /// Whether weights are codes with scales, which int8 activations multiply as they lie.
    public boolean isCoded() {
        return lowBits > 0;
    }

    /// Whether a block has a minimum beside its scale.
    public boolean isAsymmetric() {
        return zero == Zero.MINIMUM;
    }

    /// Bits of a code; none for floats.
    public int codeBits() {
        return lowBits + highBits;
    }

    public int lowBits() {
        return lowBits;
    }

    public int highBits() {
        return highBits;
    }

    /// Byte of a tile at which its high plane begins.
    public long highPlaneOffset() {
        return (long) TILE * TILE * lowBits / Byte.SIZE;
    }

    /// Bytes of a tile of 32 rows by 32 columns.
    public long tileBytes() {
        return switch (this) {
            case F32 -> 4L * TILE * TILE;
            case F16, BF16 -> 2L * TILE * TILE;
            default -> (long) TILE * TILE * codeBits() / 8 + (isAsymmetric() ? 4L : 2L) * TILE;
        };
    }

    /// Byte in a tile at which its scales begin; its minima follow them.
    public long scalesOffset() {
        return (long) TILE * TILE * codeBits() / 8;
    }

    /// Bytes of a packed matrix `[rows, columns]`, both padded to whole tiles of 32, scales included.
    public long packedBytes(long rows, long columns) {
        return Math.ceilDiv(rows, TILE) * Math.ceilDiv(columns, TILE) * tileBytes();
    }
}
