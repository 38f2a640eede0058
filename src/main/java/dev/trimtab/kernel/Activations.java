package dev.trimtab.kernel;

/// A batch of vectors, `[tokens, columns]`, row-major in one float array with rows padded to [#stride()]; the
/// padding is always zero, so kernels may read whole blocks. Allocated once for the largest batch and reused
/// each step.
///
/// What kernels derive from the values (int8 codes, say) is kept here and shared by all operators that read
/// the same input, such as q/k/v; [#reset(int)] forgets it. Single-owner; the compute pool's workers see it
/// inside a kernel call only.
public final class Activations {
    /// Rows are padded to whole blocks of this many columns, the packed layouts' block.
    public static final int BLOCK = 32;

    /// Vectors behind the last one, whose numbers mean nothing: a kernel that takes six tokens at a time may
    /// read and write five of them.
    static final int SPARE = 3;

    /// Adding it to a float under 2^22 leaves the nearest integer, ties to even, in the low bits of the
    /// sum.
    private static final float ROUNDER = 0x1.8p23f;

    private static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);

    /// Under it `127 / a` could overflow; no activation that matters is so small.
    private static final float SMALLEST = 1e-30f;

    /// Vectors encoded at a time.
    private static final int ENCODE_GRAIN = 8;

    private final float[] values;
    private final int capacity;
    private final int columns;
    private final int stride;
    private int[] codes = {};
    private float[] floatCodes = {};
    private int[] nibbleFactors = {};
    private float[] scales = {};
    private int[] sums = {};
    private int tokens;
    private boolean encoded;

    /// Room for `capacity` vectors of `columns` elements.
    public Activations(int capacity, int columns) {
        this.capacity = capacity;
        this.columns = columns;
        this.stride = Math.ceilDiv(columns, BLOCK) * BLOCK;
        this.values = new float[Math.multiplyExact(capacity + SPARE, stride)];
    }

    /// Says that the first `tokens` vectors are about to be rewritten.
    public void reset(int tokens) {
        assert tokens >= 0 && tokens <= capacity : tokens;
        this.tokens = tokens;
        this.encoded = false;
    }

    /// The backing array; vector t is `values[t * stride() .. t * stride() + columns())`. Write only after
    /// [#reset(int)].
    public float[] values() {
        return values;
    }

    public int capacity() {
        return capacity;
    }

    public int columns() {
        return columns;
    }

    public int stride() {
        return stride;
    }

    /// How many vectors are in use.
    public int tokens() {
        return tokens;
    }

    /// Quantizes the vectors to int8 unless that is done: for each block of 32, with `a` its largest
    /// magnitude, `scale = a / 127` and `code = x * (127 / a)` rounded to the nearest integer, ties to even;
    /// so `|x - scale * code| <= a / 254`. A block under [#SMALLEST] counts as zeros.
    void encode(ComputePool pool) {
        if (!encoded) {
            if (codes.length < values.length) {
                codes = new int[values.length];
                floatCodes = new float[values.length];
                nibbleFactors = new int[values.length];
                scales = new float[values.length / BLOCK];
                sums = new int[values.length / BLOCK];
            }
            pool.run(tokens, ENCODE_GRAIN, this::encodeTokens);
            encoded = true;
        }
    }

    private void encodeTokens(int from, int to) {
        for (int block = from * stride / BLOCK; block < to * stride / BLOCK; block++) {
            encodeBlock(block);
        }
    }

    private void encodeBlock(int block) {
        int start = block * BLOCK;
        float extreme = 0;
        for (int i = start; i < start + BLOCK; i++) {
            extreme = Math.max(extreme, Math.abs(values[i]));
        }
        float inverse = extreme < SMALLEST ? 0 : 127 / extreme;
        int sum = 0;
        int before = 0;
        for (int i = start; i < start + BLOCK; i++) {
            float rounded = values[i] * inverse + ROUNDER;
            int code = Float.floatToRawIntBits(rounded) - ROUNDER_BITS;
            floatCodes[i] = rounded - ROUNDER;
            codes[i] = (code << 16) | (code & 0xffff);
            int factor = i % 4 == 0 ? code : code - 16 * before;
            nibbleFactors[i] = (factor << 16) | (factor & 0xffff);
            before = code;
            sum += code;
        }
        scales[block] = extreme < SMALLEST ? 0 : extreme / 127;
        sums[block] = sum;
    }

    /// After [#encode]: the codes, indexed like [#values()], each held twice, in both halves of an int, so
    /// that a kernel broadcasts it to 16-bit lanes straight from memory.
    int[] codes() {
        return codes;
    }

    /// After [#encode], held twice like [#codes()]: what multiplies a short of four INT4 codes, shifted right
    /// by 0, 4, 8 and 12 bits. With `v = q0 + 16 q1 + 256 q2 + 4096 q3` and codes x,
    ///
    ///     x0 v + (x1 - 16 x0) (v >> 4) + (x2 - 16 x1) (v >> 8) + (x3 - 16 x2) (v >> 12) = x0 q0 + x1 q1 + x2
    /// q2 + x3 q3
    ///
    /// so no code needs to be masked out of its short. The left side overflows 16 bits; modulo 2^16 it is
    /// right.
    int[] nibbleFactors() {
        return nibbleFactors;
    }

    /// After [#encode]: the codes as floats.
    float[] floatCodes() {
        return floatCodes;
    }

    /// After [#encode]: the scale of each block of [#BLOCK] values.
    float[] scales() {
        return scales;
    }

    /// After [#encode]: the sum of each block's codes.
    int[] sums() {
        return sums;
    }
}
