package dev.trimtab.checkpoint;

import dev.trimtab.error.Internal;
import dev.trimtab.tensor.Encoding;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/// Normally distributed weights in the encodings for which rounding to nearest is a few lines: enough for
/// tests to
/// compute with, not the quantizers of the product.
final class RandomWeights {
    private RandomWeights() {}

    /// `elements` weights of mean 0 and standard deviation `deviation`; whole blocks of `encoding`.
    static byte[] normal(Encoding encoding, int elements, double deviation, Random random) {
        float[] weights = new float[elements];
        for (int i = 0; i < elements; i++) {
            weights[i] = (float) (deviation * random.nextGaussian());
        }
        return encode(encoding, weights);
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
