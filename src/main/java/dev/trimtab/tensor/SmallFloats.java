package dev.trimtab.tensor;

import java.lang.foreign.MemorySegment;
import java.util.function.IntPredicate;

/// The floats of one byte, decoded by a table of all 256.
///
/// With sign s, exponent field e, mantissa field f of M bits and bias B, a number is `(-1)^s 2^(e - B)
/// (1 + f / 2^M)`, or for `e = 0` `(-1)^s 2^(1 - B) f / 2^M`. What the formats take out of that:
///
/// - `E4M3` (B 7): all bits but the sign set is NaN; nothing is infinite.
/// - `E5M2` (B 15): as IEEE 754 has it; e of all ones is infinite with `f = 0`, else NaN.
/// - `E4M3FNUZ` (B 8), `E5M2FNUZ` (B 16): only 0x80, which would be -0, is NaN.
/// - `E8M0`: no sign and no mantissa: `2^(byte - 127)`; 255 is NaN.
///
/// `MXFP8` is blocks of an E8M0 scale s and 32 of E4M3 or E5M2; `w = s v`.
///
/// Sources: OCP 8-bit Floating Point Specification 1.0; P. Noune et al., "8-bit Numerical Formats for
/// Deep Neural Networks", 2022 (FNUZ); OCP Microscaling Formats 1.0 (E8M0, MXFP8).
final class SmallFloats {
    static final SmallFloats E4M3 = signed(3, 7, bits -> (bits & 0x7f) == 0x7f);
    static final SmallFloats E5M2 = signed(2, 15, bits -> (bits & 0x7f) > 0x7c);
    static final SmallFloats E4M3FNUZ = signed(3, 8, bits -> bits == 0x80);
    static final SmallFloats E5M2FNUZ = signed(2, 16, bits -> bits == 0x80);
    static final SmallFloats E8M0 = new SmallFloats();

    static {
        E5M2.values[0x7c] = Float.POSITIVE_INFINITY;
        E5M2.values[0xfc] = Float.NEGATIVE_INFINITY;
        for (int bits = 0; bits < 255; bits++) {
            E8M0.values[bits] = Math.scalb(1f, bits - 127);
        }
        E8M0.values[255] = Float.NaN;
    }

    private static final int MX_ELEMENTS = 32;

    private final float[] values = new float[256];

    private SmallFloats() {}

    private static SmallFloats signed(int mantissaBits, int bias, IntPredicate isNan) {
        SmallFloats floats = new SmallFloats();
        for (int bits = 0; bits < 256; bits++) {
            floats.values[bits] = isNan.test(bits) ? Float.NaN : value(bits, mantissaBits, bias);
        }
        return floats;
    }

    void decode(MemorySegment bytes, long at, float[] out, int to, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] = values[LittleEndian.u8(bytes, at + i)];
        }
    }

    /// A block of MXFP8: the scale, then 32 of these.
    void scaled(MemorySegment bytes, long at, float[] out, int to) {
        float scale = E8M0.values[LittleEndian.u8(bytes, at)];
        for (int i = 0; i < MX_ELEMENTS; i++) {
            out[to + i] = scale * values[LittleEndian.u8(bytes, at + 1 + i)];
        }
    }

    private static float value(int bits, int mantissaBits, int bias) {
        int exponent = (bits & 0x7f) >> mantissaBits;
        int mantissa = bits & ((1 << mantissaBits) - 1);
        int significand = exponent == 0 ? mantissa : mantissa | 1 << mantissaBits;
        float magnitude = Math.scalb((float) significand, Math.max(1, exponent) - bias - mantissaBits);
        return (bits & 0x80) == 0 ? magnitude : -magnitude;
    }
}
