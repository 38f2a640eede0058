package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.error.BadConfiguration;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KvLayoutTest {
    private static final int HEAD_DIM = 80;

    /// Bounds are relative to an element, or to 1 where it is less.
    @ParameterizedTest
    @CsvSource({
        "F32, F32, 0, 0",
        "F16, F16, 0.001, 0.001",
        "BF16, BF16, 0.008, 0.008",
        "Q8, Q8, 0.02, 0.02",
        "Q8, Q4, 0.02, 0.4",
        "F16, Q4, 0.001, 0.4",
        "Q8, F32, 0.02, 0"
    })
    void givesBackWhatEachSlotHolds(KvEncoding keys, KvEncoding values, float keyError, float valueError) {
        var layout = new KvLayout(new KvEncodings(keys, values), HEAD_DIM, List.of(1));
        Activations keysIn = Sample.activations(KvLayout.BLOCK_TOKENS, HEAD_DIM, 1);
        Activations valuesIn = Sample.activations(KvLayout.BLOCK_TOKENS, HEAD_DIM, 2);

        try (Arena arena = Arena.ofConfined()) {
            MemorySegment kv = arena.allocate(layout.blockBytes(), 64);
            // Neighbours written later must not matter.
            for (int i = 0; i < KvLayout.BLOCK_TOKENS; i++) {
                int slot = (i * 7 + 3) % KvLayout.BLOCK_TOKENS;
                layout.storeKey(kv, 0, slot, keysIn.values(), slot * keysIn.stride());
                layout.storeValue(kv, layout.keyBytes(), slot, valuesIn.values(), slot * valuesIn.stride());
            }

            for (int slot = 0; slot < KvLayout.BLOCK_TOKENS; slot++) {
                for (int d = 0; d < HEAD_DIM; d++) {
                    float key = keysIn.values()[slot * keysIn.stride() + d];
                    float value = valuesIn.values()[slot * valuesIn.stride() + d];
                    assertThat(layout.key(kv, 0, slot, d)).isCloseTo(key, within(keyError * atLeastOne(key)));
                    assertThat(layout.value(kv, layout.keyBytes(), slot, d))
                            .isCloseTo(value, within(valueError * atLeastOne(value)));
                }
            }
        }
    }

    private static float atLeastOne(float x) {
        return Math.max(1, Math.abs(x));
    }

    /// A fitted scale loses no more than the one that puts the largest element at -8, and less than one at 7.
    @Test
    void fitsScalesOfFourBits() {
        Activations x = Sample.activations(200, 32, 3);
        double fitted = 0;
        double atMinimum = 0;
        double atMaximum = 0;
        double power = 0;
        for (int token = 0; token < x.tokens(); token++) {
            float[] group = Arrays.copyOfRange(x.values(), token * x.stride(), token * x.stride() + 32);
            float extreme = 0;
            for (float element : group) {
                extreme = Math.abs(element) > Math.abs(extreme) ? element : extreme;
            }
            fitted += squaredError(group, stored(group));
            atMinimum += squaredError(group, rounded(group, extreme / -8));
            atMaximum += squaredError(group, rounded(group, extreme / 7));
            power += squaredError(group, new float[32]);
        }

        assertThat(fitted).isLessThan(atMinimum).isLessThan(0.9 * atMaximum);
        assertThat(Math.sqrt(fitted / power)).isBetween(0.05, 0.09);
    }

    private static double squaredError(float[] expected, float[] found) {
        return IntStream.range(0, expected.length)
                .mapToDouble(i -> (double) expected[i] - found[i])
                .map(error -> error * error)
                .sum();
    }

    private static float[] rounded(float[] x, float scale) {
        float[] rounded = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            rounded[i] = scale * Math.clamp(Math.round(x[i] / scale), -8, 7);
        }
        return rounded;
    }

    private static float[] stored(float[] x) {
        var layout = new KvLayout(new KvEncodings(KvEncoding.Q8, KvEncoding.Q4), x.length, List.of(1));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment kv = arena.allocate(layout.blockBytes(), 64);
            layout.storeValue(kv, layout.keyBytes(), 13, x, 0);
            float[] stored = new float[x.length];
            for (int d = 0; d < x.length; d++) {
                stored[d] = layout.value(kv, layout.keyBytes(), 13, d);
            }
            return stored;
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 1e-30f, 1e-42f, 1, -8, 6e4f, 3e5f})
    void keepsOneElementInFourBits(float only) {
        float[] x = new float[32];
        x[17] = only;

        float[] stored = stored(x);

        assertThat(stored[17]).isCloseTo(only, within(Math.max(6e-8f, Math.abs(only) / 1000)));
        stored[17] = 0;
        assertThat(squaredError(stored, new float[32])).isZero();
    }

    @Test
    void holdsFourBitsFiniteAndNotANumberAsSuch() {
        float[] huge = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e38f, 0};
        float[] broken = {1, Float.NaN, 2, 3};

        float[] large = stored(huge);

        assertThat(large[0]).isEqualTo(8 * 65504f);
        assertThat(large[1]).isEqualTo(-7 * 65504f);
        assertThat(large[2]).isEqualTo(8 * 65504f);
        assertThat(large[3]).isZero();
        assertThat(stored(broken)).containsOnly(Float.NaN);
    }

    @ParameterizedTest
    @ValueSource(floats = {1e5f, Float.POSITIVE_INFINITY})
    void holdsHalvesFinite(float huge) {
        var layout = new KvLayout(KvEncodings.F16, 8, List.of(1));
        float[] x = {huge, -huge, 1, 2, 3, 4, 5, 6};

        try (Arena arena = Arena.ofConfined()) {
            MemorySegment kv = arena.allocate(layout.blockBytes(), 64);
            layout.storeKey(kv, 0, 31, x, 0);

            assertThat(layout.key(kv, 0, 31, 0)).isEqualTo(65504);
            assertThat(layout.key(kv, 0, 31, 1)).isEqualTo(-65504);
        }
    }

    /// For each 32 elements of a token 128, 64, 64, 34 and 18 bytes.
    @ParameterizedTest
    @CsvSource({"F32, F32, 256", "F16, F16, 128", "BF16, F16, 128", "Q8, Q8, 68", "Q8, Q4, 52", "F16, Q4, 82"})
    void takesBytes(KvEncoding keys, KvEncoding values, int bytes) {
        var layout = new KvLayout(new KvEncodings(keys, values), 64, List.of(8, 4));

        assertThat(layout.tokenBytes()).isEqualTo(12L * 64 / 32 * bytes);
        assertThat(layout.blockBytes()).isEqualTo(layout.tokenBytes() * KvLayout.BLOCK_TOKENS);
    }

    @Test
    void laysHeadsAndLayersEndToEnd() {
        var layout = new KvLayout(KvEncodings.F32, 8, List.of(2, 1));
        long headBytes = (8 + 32) * 32 * 4;

        assertThat(layout.headOffset(0, 1)).isEqualTo(headBytes);
        assertThat(layout.headOffset(1, 0)).isEqualTo(2 * headBytes);
        assertThat(layout.blockBytes()).isEqualTo(3 * headBytes);
    }

    @Test
    void refusesKeysOfFourBits() {
        assertThatThrownBy(() -> KvEncodings.alike(KvEncoding.Q4))
                .isInstanceOf(BadConfiguration.class)
                .hasMessage("keys in q4: f32, f16, bf16 or q8 expected, for what attention weighs is exponential in a"
                        + " key's error; values can be: {k: q8, v: q4}");
    }

    @Test
    void namesWhatIsAlikeOnce() {
        assertThat(KvEncodings.alike(KvEncoding.Q8).label()).isEqualTo("q8");
        assertThat(new KvEncodings(KvEncoding.Q8, KvEncoding.Q4).label()).isEqualTo("k q8, v q4");
    }
}
