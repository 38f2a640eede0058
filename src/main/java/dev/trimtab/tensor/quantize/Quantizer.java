package dev.trimtab.tensor.quantize;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.CodeScales;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.quantize.CodeKind.Zero;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/// Encodes floats as the bytes of a tensor: the mirror of [Dequantizer], with the same layouts.
///
/// The formats say how bytes are read, not which are best. Ours are the result of a search for the
/// scales (and minima) that make the weighted squared error `sum h (w - decoded)^2` small: least squares
/// for given codes, nearest codes for given scales, from several beginnings ([ScaleSearch],
/// [RangeSearch], [GroupRanges]). `h` is the importance of a column, such as the mean square of the
/// activation that meets it, or 1.
///
/// Nothing is shared between calls: rows may be encoded on as many threads as there are. The result
/// depends on the row alone.
public final class Quantizer {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final Map<Encoding, Encoder> ENCODERS = new EnumMap<>(Encoding.class);

    static {
        Arrays.stream(Encoding.values())
                .forEach(encoding -> encoder(encoding).ifPresent(encoder -> ENCODERS.put(encoding, encoder)));
    }

    /// Encodes a whole row to where `out` begins at `at`.
    @FunctionalInterface
    private interface Encoder {
        void encode(float[] weights, float[] importance, MemorySegment out, long at);
    }

    private Quantizer() {}

    /// Whether [#encode] knows `encoding`.
    public static boolean canEncode(Encoding encoding) {
        return ENCODERS.containsKey(encoding);
    }

    /// Encodes `weights`, whole blocks, to the bytes from `at` on of `out`, each weight as important as
    /// any.
    ///
    /// Plain floats are rounded to the nearest, as IEEE 754 has it (an `F16` beyond 65 504 is infinite).
    ///
    /// @throws BadCheckpoint where a weight to be put in a block is not finite
    /// @throws Unsupported for an encoding that [#canEncode] denies
    public static void encode(Encoding encoding, float[] weights, MemorySegment out, long at) {
        float[] ones = new float[weights.length];
        Arrays.fill(ones, 1);
        encode(encoding, weights, ones, out, at);
    }

    /// As [#encode(Encoding, float[], MemorySegment, long)] where an error in weight i matters
    /// `importance[i]` times: finite, at least 0, as many as there are weights. A block none of whose
    /// weights matter is encoded as if all did.
    public static void encode(Encoding encoding, float[] weights, float[] importance, MemorySegment out, long at) {
        Encoder encoder = ENCODERS.get(encoding);
        if (encoder == null) {
            throw new Unsupported("nothing can be encoded as " + encoding);
        }
        assert weights.length % encoding.blockElements() == 0 : weights.length;
        assert weights.length == importance.length : importance.length;
        encoder.encode(weights, importance, out, at);
    }

    private static Optional<Encoder> encoder(Encoding encoding) {
        return switch (encoding) {
            case F32 ->
                Optional.of((weights, _, out, at) -> MemorySegment.copy(weights, 0, out, FLOAT, at, weights.length));
            case F16 -> Optional.of(Quantizer::f16);
            case BF16 -> Optional.of(Quantizer::bf16);
            case INT2, INT3, Q4_0, Q5_0, INT6, Q8_0 -> codes(encoding, Zero.CENTRED);
            case INT2_MINIMUM, INT3_MINIMUM, Q4_1, Q5_1, INT6_MINIMUM, INT8_MINIMUM -> codes(encoding, Zero.MINIMUM);
            case Q2_K -> blocks(encoding, KQuantizer::q2k);
            case Q3_K -> blocks(encoding, KQuantizer::q3k);
            case Q4_K -> blocks(encoding, KQuantizer::q4k);
            case Q5_K -> blocks(encoding, KQuantizer::q5k);
            case Q6_K -> blocks(encoding, KQuantizer::q6k);
            case IQ4_NL -> blocks(encoding, TableQuantizer::iq4nl);
            case MXFP4 -> blocks(encoding, TableQuantizer::mxfp4);
            case NVFP4 -> blocks(encoding, TableQuantizer::nvfp4);
            case MXFP8_E4M3 -> blocks(encoding, SmallFloatQuantizer.E4M3::encode);
            case MXFP8_E5M2 -> blocks(encoding, SmallFloatQuantizer.E5M2::encode);
            case F64, I8, I16, I32, I64 -> Optional.empty();
            case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_XS -> Optional.empty();
            case TQ1_0, TQ2_0, Q1_0, Q2_0, Q8_1, Q8_K -> Optional.empty();
            case U8, U16, U32, U64, BOOL, C64, F6_E2M3, F6_E3M2, F4 -> Optional.empty();
            case F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ, F8_E8M0 -> Optional.empty();
        };
    }

    private static void f16(float[] weights, float[] importance, MemorySegment out, long at) {
        for (int i = 0; i < weights.length; i++) {
            out.set(SHORT, at + 2L * i, Float.floatToFloat16(weights[i]));
        }
    }

    /// The upper half of a float, rounded to the nearest, to an even one of two; NaN stays NaN.
    private static void bf16(float[] weights, float[] importance, MemorySegment out, long at) {
        for (int i = 0; i < weights.length; i++) {
            int bits = Float.floatToIntBits(weights[i]);
            int rounded = Float.isNaN(weights[i]) ? bits : bits + 0x7fff + (bits >>> 16 & 1);
            out.set(SHORT, at + 2L * i, (short) (rounded >>> 16));
        }
    }

    private static Optional<Encoder> codes(Encoding encoding, Zero zero) {
        CodeKind kind = new CodeKind(CodeScales.of(encoding).codeBits(), zero);
        return blocks(encoding, new CodeQuantizer(kind));
    }

    private static Optional<Encoder> blocks(Encoding encoding, BlockEncoder encoder) {
        int elements = encoding.blockElements();
        return Optional.of((weights, importance, out, at) -> {
            long next = at;
            for (int from = 0; from < weights.length; from += elements) {
                BlockBytes block = new BlockBytes(encoding.blockBytes());
                encoder.encode(run(weights, importance, from, elements), block);
                MemorySegment.copy(block.bytes(), 0, out, ValueLayout.JAVA_BYTE, next, encoding.blockBytes());
                next += encoding.blockBytes();
            }
        });
    }

    private static Run run(float[] weights, float[] importance, int from, int count) {
        float total = 0;
        float check = 0;
        for (int i = from; i < from + count; i++) {
            assert importance[i] >= 0 : importance[i];
            total += importance[i];
            check += weights[i] * 0;
        }
        if (check != 0) {
            throw new BadCheckpoint("weights " + from + ".." + (from + count - 1) + " of a row: expected finite"
                    + " numbers, found another");
        }
        return total > 0 ? new Run(weights, importance, from, count) : unweighted(weights, from, count);
    }

    private static Run unweighted(float[] weights, int from, int count) {
        float[] ones = new float[count];
        Arrays.fill(ones, 1);
        return new Run(Arrays.copyOfRange(weights, from, from + count), ones, 0, count);
    }
}
