package dev.trimtab.tensor.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Unsupported;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizerTest {
    private static final int COLUMNS = 4096;

    static Set<Encoding> encodable() {
        Set<Encoding> encodable = EnumSet.allOf(Encoding.class);
        encodable.removeIf(encoding -> !Quantizer.canEncode(encoding));
        return encodable;
    }

    static Set<Encoding> inBlocks() {
        Set<Encoding> blocks = encodable();
        blocks.removeIf(encoding -> encoding.blockElements() == 1);
        return blocks;
    }

    /// `sqrt(sum (w - decoded)^2 / sum w^2)` of normal weights. The bounds lie 2 % above what is
    /// reached; an optimal uniform quantizer of the whole distribution has 0.108 with 16 levels and
    /// 0.345 with 4 (J. Max, 1960), more than a scale for each few weights.
    @ParameterizedTest
    @CsvSource({
        "Q4_0, 0.0830",
        "Q4_1, 0.0720",
        "Q5_0, 0.0412",
        "Q5_1, 0.0350",
        "Q8_0, 0.0052",
        "INT2, 0.380",
        "INT2_MINIMUM, 0.302",
        "INT3, 0.166",
        "INT3_MINIMUM, 0.149",
        "INT6, 0.0206",
        "INT6_MINIMUM, 0.0178",
        "INT8_MINIMUM, 0.0045",
        "MXFP8_E4M3, 0.027",
        "MXFP8_E5M2, 0.0552",
        "Q2_K, 0.270",
        "Q3_K, 0.147",
        "Q4_K, 0.0723",
        "Q5_K, 0.0358",
        "Q6_K, 0.0175",
        "IQ4_NL, 0.0750",
        "MXFP4, 0.115",
        "NVFP4, 0.0880",
        "F16, 0.00022",
        "BF16, 0.0018",
        "F32, 0"
    })
    void keepsNormalWeightsWithinTheErrorOfTheirBits(Encoding encoding, double bound) {
        float[] weights = normal(1, COLUMNS);

        assertThat(error(weights, roundTrip(encoding, weights), ones())).isLessThanOrEqualTo(bound);
    }

    /// All but the small floats, whose scale follows from the greatest weight.
    static Set<Encoding> searched() {
        Set<Encoding> searched = inBlocks();
        searched.removeAll(Set.of(Encoding.MXFP8_E4M3, Encoding.MXFP8_E5M2));
        return searched;
    }

    @ParameterizedTest
    @MethodSource("searched")
    void spendsItsBitsOnTheColumnsThatMatter(Encoding encoding) {
        float[] weights = normal(2, COLUMNS);
        float[] importance = new float[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            importance[i] = i % 8 == 0 ? 100 : 1;
        }

        double weighted = error(weights, roundTrip(encoding, weights, importance), importance);

        assertThat(weighted).isLessThan(0.99 * error(weights, roundTrip(encoding, weights), importance));
    }

    /// What an encoding can hold exactly it holds nearly exactly again; with two levels of scales, of
    /// which the search may find others, a little less exactly, and with minima under few or very many codes,
    /// whose equations, solved in floats, may end at another pair.
    @ParameterizedTest
    @MethodSource("inBlocks")
    void losesNextToNothingOfWhatWasEncodedBefore(Encoding encoding) {
        float[] once = roundTrip(encoding, normal(3, COLUMNS));
        double bound = encoding.name().endsWith("_MINIMUM") ? 1e-3 : 1e-6;

        assertThat(error(once, roundTrip(encoding, once), ones()))
                .isLessThan(encoding.blockElements() == 256 ? 0.03 : bound);
    }

    @ParameterizedTest
    @MethodSource("encodable")
    void keepsZerosAndBlocksOfOneWeight(Encoding encoding) {
        float[] weights = new float[512];

        assertThat(roundTrip(encoding, weights)).containsOnly(0);

        weights[300] = -0.5f;
        assertThat(roundTrip(encoding, weights)[300]).isBetween(-0.53f, -0.47f);
    }

    /// Scales end where f16 does; nothing becomes infinite or turns its sign.
    @ParameterizedTest
    @MethodSource("inBlocks")
    void staysFiniteAtTheEndsOfTheFloats(Encoding encoding) {
        for (float size : new float[] {1e-38f, 1e-10f, 1e-4f, 1e5f, 1e9f, 1e18f}) {
            float[] weights = normal(4, 256);
            for (int i = 0; i < weights.length; i++) {
                weights[i] *= size;
            }

            float[] decoded = roundTrip(encoding, weights);

            for (int i = 0; i < decoded.length; i++) {
                assertThat(Float.isFinite(decoded[i]))
                        .as("%s at %g", encoding, size)
                        .isTrue();
            }
            assertThat(error(weights, decoded, ones()))
                    .as("%s at %g", encoding, size)
                    .isLessThanOrEqualTo(1.001);
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void refusesWeightsThatAreNotNumbersInBlocks(float weight) {
        float[] weights = normal(5, 64);
        weights[40] = weight;

        assertThatThrownBy(() -> roundTrip(Encoding.Q4_0, weights))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("weights 32..63");
        assertThat(roundTrip(Encoding.BF16, weights)[40]).isEqualTo(Float.valueOf(weight));
        assertThat(roundTrip(Encoding.F16, weights)[40]).isEqualTo(Float.valueOf(weight));
    }

    @Test
    void encodesABlockThatDoesNotMatterAsIfItDid() {
        float[] weights = normal(6, 64);
        float[] importance = new float[64];
        Arrays.fill(importance, 0, 32, 1);

        assertThat(roundTrip(Encoding.Q4_0, weights, importance)).isEqualTo(roundTrip(Encoding.Q4_0, weights));
    }

    @Test
    void roundsPlainFloatsToTheNearestAndToEven() {
        float[] weights = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-8f + 0x1p-20f, -0f};

        assertThat(roundTrip(Encoding.BF16, weights)).containsExactly(1, 1 + 4 * 0x1p-8f, 1 + 2 * 0x1p-8f, -0f);
        assertThat(roundTrip(Encoding.F32, weights)).isEqualTo(weights);
        assertThat(roundTrip(Encoding.F16, new float[] {65_520})).containsExactly(Float.POSITIVE_INFINITY);
    }

    @Test
    void encodesRowsAlikeOnAnyThreadsAndOffsets() {
        float[] weights = normal(7, 256);
        int rowBytes = Encoding.Q4_K.blockBytes();
        byte[] rows = new byte[16 * rowBytes];

        IntStream.range(0, 16)
                .parallel()
                .forEach(row ->
                        Quantizer.encode(Encoding.Q4_K, weights, MemorySegment.ofArray(rows), (long) row * rowBytes));

        byte[] first = Arrays.copyOf(rows, rowBytes);
        for (int row = 1; row < 16; row++) {
            assertThat(Arrays.copyOfRange(rows, row * rowBytes, (row + 1) * rowBytes))
                    .isEqualTo(first);
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {
                "F32",
                "F16",
                "BF16",
                "Q4_0",
                "Q4_1",
                "Q5_0",
                "Q5_1",
                "Q8_0",
                "Q2_K",
                "Q3_K",
                "Q4_K",
                "Q5_K",
                "Q6_K",
                "IQ4_NL",
                "MXFP4",
                "NVFP4",
                "INT2",
                "INT2_MINIMUM",
                "INT3",
                "INT3_MINIMUM",
                "INT6",
                "INT6_MINIMUM",
                "INT8_MINIMUM",
                "MXFP8_E4M3",
                "MXFP8_E5M2"
            })
    void refusesTheOthersByName(Encoding encoding) {
        float[] weights = new float[encoding.blockElements()];
        MemorySegment out = MemorySegment.ofArray(new byte[encoding.blockBytes()]);

        assertThatThrownBy(() -> Quantizer.encode(encoding, weights, out, 0))
                .isInstanceOf(Unsupported.class)
                .hasMessageContaining(encoding.name());
    }

    private static float[] ones() {
        return new float[] {1};
    }

    private static float[] normal(long seed, int count) {
        Random random = new Random(seed);
        float[] weights = new float[count];
        for (int i = 0; i < count; i++) {
            weights[i] = (float) random.nextGaussian();
        }
        return weights;
    }

    private static float[] roundTrip(Encoding encoding, float[] weights) {
        MemorySegment bytes = bytes(encoding, weights);
        Quantizer.encode(encoding, weights, bytes, 0);
        return decode(encoding, bytes, weights.length);
    }

    private static float[] roundTrip(Encoding encoding, float[] weights, float[] importance) {
        MemorySegment bytes = bytes(encoding, weights);
        Quantizer.encode(encoding, weights, importance, bytes, 0);
        return decode(encoding, bytes, weights.length);
    }

    private static MemorySegment bytes(Encoding encoding, float[] weights) {
        return MemorySegment.ofArray(new byte[Math.toIntExact(encoding.sizeBytes(weights.length))]);
    }

    private static float[] decode(Encoding encoding, MemorySegment bytes, int count) {
        float[] decoded = new float[count];
        Dequantizer.decode(encoding, bytes, 0, decoded, 0, count);
        return decoded;
    }

    /// `sqrt(sum h (w - decoded)^2 / sum h w^2)`, h repeating.
    static double error(float[] weights, float[] decoded, float[] importance) {
        double error = 0;
        double total = 0;
        for (int i = 0; i < weights.length; i++) {
            double difference = (double) weights[i] - decoded[i];
            error += importance[i % importance.length] * difference * difference;
            total += importance[i % importance.length] * (double) weights[i] * weights[i];
        }
        return total == 0 ? 0 : Math.sqrt(error / total);
    }
}
