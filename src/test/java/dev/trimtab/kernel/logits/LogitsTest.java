package dev.trimtab.kernel.logits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Each pass against its scalar twin, and that against what it should be, at lengths around the vectors' and the
/// runs' and of real vocabularies.
class LogitsTest {
    /// What stands before and after the row, to be left alone.
    private static final int MARGIN = 3;

    private static final Logits[] TIERS = {Logits.scalar(), Logits.vector()};

    static IntStream lengths() {
        return IntStream.of(1, 2, 15, 16, 31, 32, 33, 63, 64, 65, 575, 576, 2047, 2049, 4097, 128_256);
    }

    @ParameterizedTest
    @MethodSource("lengths")
    void findsTheLargestWhereverItIs(int length) {
        for (int place : places(length)) {
            float[] row = row(length, 1);
            row[MARGIN + place] = 1000;

            for (Logits tier : TIERS) {
                assertThat(tier.argmax(row, MARGIN, length)).isEqualTo(place);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("lengths")
    void findsTheFirstOfEqualOnes(int length) {
        for (int place : places(length)) {
            float[] row = row(length, 2);
            Arrays.fill(row, MARGIN, MARGIN + place, -1000f);
            Arrays.fill(row, MARGIN + place, MARGIN + length, -0f);
            row[MARGIN + length - 1] = place == length - 1 ? -0f : 0f;

            for (Logits tier : TIERS) {
                assertThat(tier.argmax(row, MARGIN, length)).isEqualTo(place);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("lengths")
    void refusesRowsWithoutALargest(int length) {
        for (int bits : new int[] {0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0x7f80_0000}) {
            for (int place : places(length)) {
                float[] row = row(length, 3);
                row[MARGIN + place] = Float.intBitsToFloat(bits);

                for (Logits tier : TIERS) {
                    float max = tier.stripeMaxima(row, MARGIN, length, new float[stripes(length)]);
                    assertThat(tier.argmax(row, MARGIN, length)).isEqualTo(Logits.NONE);
                    assertThat(bits == 0x7f80_0000 ? max == Float.POSITIVE_INFINITY : Float.isNaN(max))
                            .isTrue();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("lengths")
    void refusesRowsOfNothingButNegativeInfinity(int length) {
        float[] row = new float[MARGIN + length];
        Arrays.fill(row, Float.NEGATIVE_INFINITY);

        for (Logits tier : TIERS) {
            assertThat(tier.argmax(row, MARGIN, length)).isEqualTo(Logits.NONE);
            assertThat(tier.stripeMaxima(row, MARGIN, length, new float[stripes(length)]))
                    .isEqualTo(Float.NEGATIVE_INFINITY);
        }
    }

    @ParameterizedTest
    @MethodSource("lengths")
    void findsTheLargestOfEachStripe(int length) {
        float[] row = row(length, 4);
        float[] expected = new float[stripes(length)];
        Arrays.fill(expected, Float.NEGATIVE_INFINITY);
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < length; i++) {
            int stripe = i % expected.length;
            expected[stripe] = Math.max(expected[stripe], row[MARGIN + i]);
            largest = Math.max(largest, row[MARGIN + i]);
        }

        for (Logits tier : TIERS) {
            float[] maxima = new float[expected.length];
            assertThat(tier.stripeMaxima(row, MARGIN, length, maxima)).isEqualTo(largest);
            assertThat(maxima).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 40, 4097})
    void readsItsRowOnly(int length) {
        float[] row = row(length, 5);
        row[MARGIN - 1] = Float.NaN;
        row[MARGIN + length] = Float.POSITIVE_INFINITY;

        for (Logits tier : TIERS) {
            assertThat(tier.argmax(row, MARGIN, length)).isNotEqualTo(Logits.NONE);
            assertThat(tier.stripeMaxima(row, MARGIN, length, new float[stripes(length)]))
                    .isFinite();
        }
    }

    private static int[] places(int length) {
        return IntStream.of(0, 1, length / 3, length / 2, length - 2, length - 1)
                .filter(place -> place >= 0 && place < length)
                .distinct()
                .toArray();
    }

    private static int stripes(int length) {
        return Math.max(Math.ceilDiv(length, 64), Math.min(length, 64));
    }

    /// Normal values, every 17th forbidden.
    private static float[] row(int length, int seed) {
        Random random = new Random(seed);
        float[] row = new float[length + 2 * MARGIN];
        for (int i = 0; i < row.length; i++) {
            row[i] = i % 17 == 5 && length > 17 ? Float.NEGATIVE_INFINITY : (float) random.nextGaussian();
        }
        return row;
    }
}
