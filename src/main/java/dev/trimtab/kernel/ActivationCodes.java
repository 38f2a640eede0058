package dev.trimtab.kernel;

/// Activations quantized to int8, block by block of 32: with `a` a block's largest magnitude, `scale = a
/// / 127` and `code = x (127 / a)` rounded to the nearest integer, ties to even; so `|x - scale code| <=
/// a / 254`. A block under [#SMALLEST] counts as zeros.
///
/// Kernels broadcast a code to 16-bit lanes straight from memory: each is held twice, in both halves of
/// an int.
public final class ActivationCodes {
    public static final int BLOCK = Activations.BLOCK;

    /// Adding it to a float under 2^22 leaves the nearest integer, ties to even, in the low bits of the
    /// sum.
    public static final float ROUNDER = 0x1.8p23f;

    public static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);

    /// Under it `127 / a` could overflow; no activation that matters is so small.
    static final float SMALLEST = 1e-30f;

    private final int[] codes;
    private final int[] nibbleFactors;
    private final float[] scales;
    private final int[] sums;

    /// Room for `elements` values, whole blocks.
    public ActivationCodes(int elements) {
        this.codes = new int[elements];
        this.nibbleFactors = new int[elements];
        this.scales = new float[elements / BLOCK];
        this.sums = new int[elements / BLOCK];
    }

    /// How a tier quantizes the blocks `[from, to)` of `values`.
    @FunctionalInterface
    public interface Encoder {
        void encode(float[] values, int from, int to, ActivationCodes into);
    }

    /// The plain loops: the reference of [VectorElementwise#encode].
    public static void encode(float[] values, int from, int to, ActivationCodes into) {
        for (int block = from; block < to; block++) {
            into.encodeBlock(values, block);
        }
    }

    private void encodeBlock(float[] values, int block) {
        int start = block * BLOCK;
        float extreme = 0;
        for (int i = start; i < start + BLOCK; i++) {
            extreme = Math.max(extreme, Math.abs(values[i]));
        }
        float inverse = inverse(extreme);
        int sum = 0;
        int before = 0;
        for (int i = start; i < start + BLOCK; i++) {
            int code = Float.floatToRawIntBits(values[i] * inverse + ROUNDER) - ROUNDER_BITS;
            codes[i] = twice(code);
            nibbleFactors[i] = twice(i % 4 == 0 ? code : code - 16 * before);
            before = code;
            sum += code;
        }
        describe(block, extreme, sum);
    }

    public static float inverse(float extreme) {
        return extreme < SMALLEST ? 0 : 127 / extreme;
    }

    private static int twice(int code) {
        return (code << 16) | (code & 0xffff);
    }

    /// Sets what is known of a whole block.
    public void describe(int block, float extreme, int sum) {
        scales[block] = extreme < SMALLEST ? 0 : extreme / 127;
        sums[block] = sum;
    }

    /// The codes, each twice.
    public int[] codes() {
        return codes;
    }

    /// What multiplies a short of four 4-bit codes, shifted right by 0, 4, 8 and 12 bits; each twice.
    /// With `v = q0 + 16 q1 + 256 q2 + 4096 q3` and codes x,
    ///
    ///     x0 v + (x1 - 16 x0) (v >> 4) + (x2 - 16 x1) (v >> 8) + (x3 - 16 x2) (v >> 12)
    ///         = x0 q0 + x1 q1 + x2 q2 + x3 q3
    ///
    /// so no code needs to be masked out of its short. The left side overflows 16 bits; modulo 2^16 it is
    /// right.
    public int[] nibbleFactors() {
        return nibbleFactors;
    }

    /// The scale of each block.
    public float[] scales() {
        return scales;
    }

    /// The sum of each block's codes.
    public int[] sums() {
        return sums;
    }
}
