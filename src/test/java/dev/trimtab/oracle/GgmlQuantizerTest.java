package dev.trimtab.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GgmlQuantizerTest {
    private static final int COLUMNS = 512;

    /// ggml spends seconds on the search tables of each; the conformance vectors hold them too.
    private static final Set<Encoding> SLOW =
            Set.of(Encoding.IQ1_S, Encoding.IQ1_M, Encoding.IQ2_XXS, Encoding.IQ2_XS, Encoding.IQ2_S);

    static List<Encoding> encodings() {
        return Arrays.stream(Encoding.values())
                .filter(encoding -> GgmlQuantizer.knows(encoding) && !SLOW.contains(encoding))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("encodings")
    void whatItQuantizesOurDequantizerReadsBitForBit(Encoding encoding) {
        float[] values = normal(4 * COLUMNS, 7);
        float[] importances = new float[COLUMNS];
        Arrays.fill(importances, 1);

        byte[] blocks = GgmlQuantizer.quantize(encoding, values, COLUMNS, importances);
        float[] expected = GgmlQuantizer.dequantize(encoding, blocks);

        float[] found = new float[values.length];
        Dequantizer.decode(encoding, MemorySegment.ofArray(blocks), 0, found, 0, values.length);
        assertThat(Arrays.mismatch(found, expected)).as("first difference").isEqualTo(-1);
        assertThat(relativeError(values, found)).isLessThan(1);
    }

    @Test
    void importancesMoveTheErrorAwayFromTheColumnsThatMatter() {
        float[] values = normal(16 * COLUMNS, 8);
        float[] importances = new float[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            importances[i] = i % 2 == 0 ? 100 : 0.01f;
        }

        float[] plain =
                GgmlQuantizer.dequantize(Encoding.Q4_K, GgmlQuantizer.quantize(Encoding.Q4_K, values, COLUMNS, null));
        float[] weighted = GgmlQuantizer.dequantize(
                Encoding.Q4_K, GgmlQuantizer.quantize(Encoding.Q4_K, values, COLUMNS, importances));

        assertThat(evenError(values, weighted)).isLessThan(evenError(values, plain));
    }

    @Test
    void refusesWhatWouldAbortTheProcess() {
        assertThatThrownBy(() -> GgmlQuantizer.quantize(Encoding.MXFP4, new float[32], 32, null))
                .hasMessageContaining("MXFP4");
        assertThatThrownBy(() -> GgmlQuantizer.quantize(Encoding.Q4_K, new float[128], 128, null))
                .hasMessageContaining("rows of 128");
        assertThatThrownBy(() -> GgmlQuantizer.quantize(Encoding.IQ2_XXS, new float[256], 256, null))
                .hasMessageContaining("importances");
    }

    private static float[] normal(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static double relativeError(float[] expected, float[] found) {
        double error = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow((double) expected[i] - found[i], 2);
            size += Math.pow(expected[i], 2);
        }
        return Math.sqrt(error / size);
    }

    private static double evenError(float[] expected, float[] found) {
        double error = 0;
        for (int i = 0; i < expected.length; i += 2) {
            error += Math.pow((double) expected[i] - found[i], 2);
        }
        return error;
    }
}
