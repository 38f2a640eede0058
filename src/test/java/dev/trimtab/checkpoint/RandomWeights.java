package dev.trimtab.checkpoint;

import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;

/// Weights of a given deviation in any encoding of weights: enough for tests to compute with.
///
/// Normally distributed and rounded to nearest where that is a few lines; in the others random codes whose
/// f16 scales are then set to give the deviation. These are not the quantizers of the product.
final class RandomWeights {
    /// Where a block keeps its f16 scale and minimum, and how many scales the minimum is so that weights
    /// average 0.
    private record ScaleField(int scaleOffset, int minOffset, float scalesPerMin) {
        static ScaleField at(int scaleOffset) {
            return new ScaleField(scaleOffset, scaleOffset, 1);
        }
    }

    private static final Map<Encoding, ScaleField> SCALES = new EnumMap<>(Map.ofEntries(
            Map.entry(Encoding.Q4_1, new ScaleField(0, 2, -7.5f)),
            Map.entry(Encoding.Q5_0, ScaleField.at(0)),
            Map.entry(Encoding.Q5_1, new ScaleField(0, 2, -15.5f)),
            Map.entry(Encoding.Q2_K, new ScaleField(80, 82, 1.5f)),
            Map.entry(Encoding.Q3_K, ScaleField.at(108)),
            Map.entry(Encoding.Q4_K, new ScaleField(0, 2, 7.5f)),
            Map.entry(Encoding.Q5_K, new ScaleField(0, 2, 15.5f)),
            Map.entry(Encoding.Q6_K, ScaleField.at(208)),
            Map.entry(Encoding.IQ2_XXS, ScaleField.at(0)),
            Map.entry(Encoding.IQ2_XS, ScaleField.at(0)),
            Map.entry(Encoding.IQ2_S, ScaleField.at(0)),
            Map.entry(Encoding.IQ3_XXS, ScaleField.at(0)),
            Map.entry(Encoding.IQ3_S, ScaleField.at(0)),
            Map.entry(Encoding.IQ1_S, ScaleField.at(0)),
            Map.entry(Encoding.IQ4_NL, ScaleField.at(0)),
            Map.entry(Encoding.IQ4_XS, ScaleField.at(0)),
            Map.entry(Encoding.TQ1_0, ScaleField.at(52)),
            Map.entry(Encoding.TQ2_0, ScaleField.at(64)),
            Map.entry(Encoding.Q1_0, ScaleField.at(0)),
            Map.entry(Encoding.Q2_0, ScaleField.at(0))));

    private RandomWeights() {}

    /// `elements` weights of mean near 0 and standard deviation near `deviation`; whole blocks of `encoding`.
    static byte[] normal(Encoding encoding, int elements, double deviation, Random random) {
        if (SCALES.containsKey(encoding)) {
            return codes(encoding, elements, deviation, random);
        }
        float[] weights = new float[elements];
        for (int i = 0; i < elements; i++) {
            weights[i] = (float) (deviation * random.nextGaussian());
        }
        return encode(encoding, weights);
    }

    private static byte[] codes(Encoding encoding, int elements, double deviation, Random random) {
        ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(encoding.sizeBytes(elements)))
                .order(ByteOrder.LITTLE_ENDIAN);
        random.nextBytes(out.array());
        setScales(encoding, out, 1);
        float[] decoded = new float[elements];
        Dequantizer.decode(encoding, MemorySegment.ofArray(out.array()), 0, decoded, 0, elements);
        double squares = 0;
        for (float weight : decoded) {
            squares += (double) weight * weight;
        }
        setScales(encoding, out, (float) (deviation / Math.sqrt(squares / elements)));
        return out.array();
    }

    private static void setScales(Encoding encoding, ByteBuffer out, float scale) {
        ScaleField field = SCALES.getOrDefault(encoding, ScaleField.at(0));
        for (int block = 0; block < out.capacity(); block += encoding.blockBytes()) {
            out.putShort(block + field.minOffset(), Float.floatToFloat16(scale * field.scalesPerMin()));
            out.putShort(block + field.scaleOffset(), Float.floatToFloat16(scale));
        }
    }

    /// `weights` rounded to `encoding`.
    static byte[] encode(Encoding encoding, float[] weights) {
        ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(encoding.sizeBytes(weights.length)))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int block = 0; block < weights.length; block += encoding.blockElements()) {
            switch (encoding) {
                case F32 -> out.putFloat(weights[block]);
                case F16 -> out.putShort(Float.floatToFloat16(weights[block]));
                case BF16 -> out.putShort((short) ((Float.floatToRawIntBits(weights[block]) + 0x8000) >>> 16));
                case Q8_0 -> q8(weights, block, out);
                case Q4_0 -> q4(weights, block, out);
                default -> throw new Internal("no random weights in " + encoding);
            }
        }
        return out.array();
    }

    private static void q8(float[] weights, int block, ByteBuffer out) {
        short scale = Float.floatToFloat16(greatest(weights, block) / 127);
        out.putShort(scale);
        for (int j = 0; j < 32; j++) {
            out.put((byte) code(weights[block + j], scale, 127));
        }
    }

    private static void q4(float[] weights, int block, ByteBuffer out) {
        short scale = Float.floatToFloat16(greatest(weights, block) / 7);
        out.putShort(scale);
        for (int j = 0; j < 16; j++) {
            int low = code(weights[block + j], scale, 7) + 8;
            int high = code(weights[block + j + 16], scale, 7) + 8;
            out.put((byte) (low | high << 4));
        }
    }

    private static float greatest(float[] weights, int block) {
        float greatest = 0;
        for (int j = 0; j < 32; j++) {
            greatest = Math.max(greatest, Math.abs(weights[block + j]));
        }
        return greatest;
    }

    private static int code(float weight, short scale, int max) {
        float divisor = Float.float16ToFloat(scale);
        return divisor == 0 ? 0 : Math.clamp(Math.round(weight / divisor), -max, max);
    }
}
