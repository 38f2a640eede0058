package dev.trimtab.tensor.quantize;

/// Encodes blocks of 32 one-byte floats under a power of two (MXFP8); layouts and values stand at
/// `SmallFloats`.
///
/// The power is the least under which the greatest weight fits. OCP Microscaling 1.0, section 6.3, takes the
/// greatest weight's exponent less the format's, and so clips what lies in the last part of the binade (E4M3 ends
/// at 1.75 2^8); we do not.
///
/// A weight x becomes the nearest value, ties to the even mantissa: with `e = floor(log2 |x|)`, at least that of
/// the smallest normal number, values lie `2^(e - M)` apart.
///
/// @param mantissaBits M
/// @param bias of the exponent
/// @param greatest the greatest finite value
record SmallFloatQuantizer(int mantissaBits, int bias, float greatest) {
    static final SmallFloatQuantizer E4M3 = new SmallFloatQuantizer(3, 7, 448);
    static final SmallFloatQuantizer E5M2 = new SmallFloatQuantizer(2, 15, 57_344);

    private static final int E8M0_BIAS = 127;

    /// The least power of two a block gets, 2^-100: below it products would leave the floats' normal range, and
    /// no weight that small matters.
    private static final int POWER_MIN = -100;

    void encode(Run run, BlockBytes block) {
        float extreme = Math.abs(run.extreme());
        int power = POWER_MIN;
        if (extreme > 0) {
            power = Math.max(POWER_MIN, Math.getExponent(extreme) - Math.getExponent(greatest));
            power += Math.scalb(extreme, -power) > greatest ? 1 : 0;
        }
        block.or(0, power + E8M0_BIAS);
        for (int j = 0; j < run.count(); j++) {
            block.or(1 + j, bits(Math.scalb(run.weights()[run.from() + j], -power)));
        }
    }

    /// The nearest value's bits. Rounding the integer of steps carries into the exponent by itself.
    int bits(float value) {
        int sign = Float.floatToRawIntBits(value) >>> 31 << 7;
        float magnitude = Math.min(Math.abs(value), greatest);
        int exponent = Math.max(1 - bias, Math.getExponent(magnitude));
        int steps = (int) Math.rint(Math.scalb(magnitude, mantissaBits - exponent));
        int field = exponent + bias - 1;
        return sign | (field << mantissaBits) + steps;
    }
}
