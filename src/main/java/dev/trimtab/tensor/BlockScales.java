package dev.trimtab.tensor;

/// The one-byte scales of `MXFP4` and `NVFP4`, halved, because the table they scale holds doubled values.
public final class BlockScales {
    private BlockScales() {}

    /// `2^(exponent - 128)`; below 2 that is a subnormal float.
    public static float halfPowerOfTwo(int exponent) {
        return Float.intBitsToFloat(exponent < 2 ? 0x0020_0000 << exponent : (exponent - 1) << 23);
    }

    /// Half the value of an E4M3 number without sign (bias 7); 0x7F, which would be NaN, counts as 0.
    public static float halfE4M3(int bits) {
        if (bits == 0x7f) {
            return 0;
        }
        int exponent = bits >> 3 & 15;
        int mantissa = bits & 7;
        return exponent == 0 ? Math.scalb((float) mantissa, -10) : Math.scalb(1 + mantissa / 8f, exponent - 8);
    }
}
