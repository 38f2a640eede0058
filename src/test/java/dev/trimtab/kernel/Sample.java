package dev.trimtab.kernel;

import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/// Seeded random inputs of the kernels' tests.
final class Sample {
    private Sample() {}

    /// A matrix of standard normal weights / 16; blocks of the quantized encodings hold random codes and
    /// scales.
    static Tensor matrix(Encoding encoding, int rows, int columns, long seed) {
        var random = new Random(seed);
        byte[] bytes = new byte[Math.toIntExact(rows * encoding.sizeBytes(columns))];
        switch (encoding) {
            case F32 -> {
                for (int i = 0; i < bytes.length; i += 4) {
                    putInt(bytes, i, Float.floatToRawIntBits((float) random.nextGaussian() / 16));
                }
            }
            case F16 -> {
                for (int i = 0; i < bytes.length; i += 2) {
                    putShort(bytes, i, Float.floatToFloat16((float) random.nextGaussian() / 16));
                }
            }
            case BF16 -> {
                for (int i = 0; i < bytes.length; i += 2) {
                    putShort(bytes, i, Bfloat16.of((float) random.nextGaussian() / 16));
                }
            }
            case Q8_0, Q4_0 -> {
                random.nextBytes(bytes);
                for (int i = 0; i < bytes.length; i += encoding.blockBytes()) {
                    putShort(bytes, i, Float.floatToFloat16((float) random.nextGaussian() / 100));
                }
            }
            default -> throw new AssertionError(encoding);
        }
        return new Tensor("sample", encoding, Shape.of(rows, columns), MemorySegment.ofArray(bytes));
    }

    /// Decodes a whole matrix, `[rows, columns]`.
    static float[] decoded(Tensor matrix) {
        int columns = (int) matrix.shape().columns();
        int rows = (int) matrix.shape().rows();
        float[] decoded = new float[rows * columns];
        for (int row = 0; row < rows; row++) {
            Dequantizer.decodeRow(matrix, row, decoded, row * columns);
        }
        return decoded;
    }

    /// `tokens` vectors of standard normal elements.
    static Activations activations(int tokens, int columns, long seed) {
        var random = new Random(seed);
        var sample = new Activations(tokens, columns);
        sample.reset(tokens);
        for (int token = 0; token < tokens; token++) {
            for (int i = 0; i < columns; i++) {
                sample.values()[token * sample.stride() + i] = (float) random.nextGaussian();
            }
        }
        return sample;
    }

    /// `count` vectors of `from` alone, from `first`.
    static Activations only(Activations from, int first, int count) {
        var sample = new Activations(count, from.columns());
        sample.reset(count);
        System.arraycopy(from.values(), first * from.stride(), sample.values(), 0, count * from.stride());
        return sample;
    }

    private static void putShort(byte[] bytes, int at, short value) {
        bytes[at] = (byte) value;
        bytes[at + 1] = (byte) (value >> 8);
    }

    private static void putInt(byte[] bytes, int at, int value) {
        putShort(bytes, at, (short) value);
        putShort(bytes, at + 2, (short) (value >> 16));
    }
}
