package dev.trimtab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.Internal;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

class ShapeTest {
    @Test
    void countsRowsOfTheLastExtent() {
        Shape shape = Shape.of(2, 3, 4);

        assertThat(shape.elements()).isEqualTo(24);
        assertThat(shape.rows()).isEqualTo(6);
        assertThat(shape.columns()).isEqualTo(4);
        assertThat(shape.rank()).isEqualTo(3);
        assertThat(shape).hasToString("[2, 3, 4]");
        assertThat(Shape.of(5).rows()).isEqualTo(1);
    }

    @Test
    void refusesEmptyNegativeAndTooManyExtents() {
        assertThatThrownBy(() -> new Shape(List.of())).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> Shape.of(2, 0)).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> Shape.of(-1)).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> Shape.of(1, 1, 1, 1, 1)).isInstanceOf(Internal.class);
    }

    @Test
    void refusesMoreElementsThanALongCounts() {
        assertThatThrownBy(() -> Shape.of(1L << 32, 1L << 31)).isInstanceOf(ArithmeticException.class);
    }

    @Test
    void isHeldByATensorToItsBytes() {
        MemorySegment bytes = MemorySegment.ofArray(new byte[36]);

        assertThat(new Tensor("t", Encoding.Q4_0, Shape.of(2, 32), bytes).sizeBytes())
                .isEqualTo(36);
        assertThatThrownBy(() -> new Tensor("t", Encoding.Q8_0, Shape.of(2, 32), bytes))
                .isInstanceOf(Internal.class)
                .hasMessage("t: 68 bytes expected, found 36");
    }
}
