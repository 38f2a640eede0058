package dev.trimtab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class EncodingTest {
    @ParameterizedTest
    @EnumSource
    void isFoundByItsNumberWhereItHasOne(Encoding encoding) {
        assertThat(Encoding.ofGgmlId(encoding.ggmlId()))
                .isEqualTo(encoding.hasGgmlId() ? Optional.of(encoding) : Optional.empty());
    }

    /// Of `Q4_2`, `Q4_3`, the interleaved `Q4_0` and `IQ4_NL`, and numbers never given.
    @ParameterizedTest
    @ValueSource(ints = {4, 5, 31, 32, 33, 36, 37, 38, 43, -1, Integer.MAX_VALUE})
    void isNotFoundByNumbersRemovedOrNeverGiven(int number) {
        assertThat(Encoding.ofGgmlId(number)).isEmpty();
    }

    @Test
    void sizesWholeBlocks() {
        assertThat(Encoding.Q4_K.sizeBytes(512)).isEqualTo(288);
        assertThat(Encoding.F16.sizeBytes(3)).isEqualTo(6);
        assertThatThrownBy(() -> Encoding.F64.sizeBytes(Long.MAX_VALUE)).isInstanceOf(ArithmeticException.class);
    }

    @Test
    void countsScalesInBitsPerWeight() {
        assertThat(Encoding.Q8_0.bitsPerWeight()).isEqualTo(8.5);
        assertThat(Encoding.Q6_K.bitsPerWeight()).isEqualTo(6.5625);
        assertThat(Arrays.stream(Encoding.values()).mapToDouble(Encoding::bitsPerWeight))
                .allMatch(bits -> bits > 1 && bits <= 64);
    }
}
