package dev.trimtab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KvLayoutTest {
    @ParameterizedTest
    @CsvSource({"F32, 0", "F16, 0.001", "BF16, 0.008", "Q8, 0.02"})
    void givesBackWhatEachSlotHolds(KvEncoding encoding, float tolerance) {
        int headDim = 80;
        var layout = new KvLayout(encoding, headDim, List.of(1));
        Activations keys = Sample.activations(KvLayout.BLOCK_TOKENS, headDim, 1);
        Activations values = Sample.activations(KvLayout.BLOCK_TOKENS, headDim, 2);

        try (Arena arena = Arena.ofConfined()) {
            MemorySegment kv = arena.allocate(layout.blockBytes(), 64);
            for (int slot = 0; slot < KvLayout.BLOCK_TOKENS; slot++) {
                layout.storeKey(kv, 0, slot, keys.values(), slot * keys.stride());
                layout.storeValue(kv, layout.keyBytes(), slot, values.values(), slot * values.stride());
            }

            for (int slot = 0; slot < KvLayout.BLOCK_TOKENS; slot++) {
                for (int d = 0; d < headDim; d++) {
                    float key = keys.values()[slot * keys.stride() + d];
                    float value = values.values()[slot * values.stride() + d];
                    assertThat(layout.key(kv, 0, slot, d))
                            .isCloseTo(key, within(tolerance * Math.max(1, Math.abs(key))));
                    assertThat(layout.value(kv, layout.keyBytes(), slot, d))
                            .isCloseTo(value, within(tolerance * Math.max(1, Math.abs(value))));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {1e5f, Float.POSITIVE_INFINITY})
    void holdsHalvesFinite(float huge) {
        var layout = new KvLayout(KvEncoding.F16, 8, List.of(1));
        float[] x = {huge, -huge, 1, 2, 3, 4, 5, 6};

        try (Arena arena = Arena.ofConfined()) {
            MemorySegment kv = arena.allocate(layout.blockBytes(), 64);
            layout.storeKey(kv, 0, 31, x, 0);

            assertThat(layout.key(kv, 0, 31, 0)).isEqualTo(65504);
            assertThat(layout.key(kv, 0, 31, 1)).isEqualTo(-65504);
        }
    }

    @Test
    void takesAboutHalfOfF16InQ8() {
        var half = new KvLayout(KvEncoding.F16, 64, List.of(8, 4));
        var quantized = new KvLayout(KvEncoding.Q8, 64, List.of(8, 4));

        assertThat(half.blockBytes()).isEqualTo(12 * 2 * 64 * 32 * 2);
        assertThat((double) quantized.blockBytes() / half.blockBytes()).isBetween(0.53, 0.54);
    }

    @Test
    void laysHeadsAndLayersEndToEnd() {
        var layout = new KvLayout(KvEncoding.F32, 8, List.of(2, 1));
        long headBytes = (8 + 32) * 32 * 4;

        assertThat(layout.headOffset(0, 1)).isEqualTo(headBytes);
        assertThat(layout.headOffset(1, 0)).isEqualTo(2 * headBytes);
        assertThat(layout.blockBytes()).isEqualTo(3 * headBytes);
    }
}
