package dev.trimtab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.Internal;
import dev.trimtab.tensor.quantize.Quantizer;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CutTest {
    private static final int ROWS = 5;
    private static final int COLUMNS = 512;

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q6_K", "Q4_K"})
    void keepsTheBytesOfRows(Encoding encoding) {
        Tensor tensor = random(encoding, ROWS, COLUMNS);

        Tensor left = Cut.rows(0, 3).apply(tensor);

        assertThat(left.encoding()).isEqualTo(encoding);
        assertThat(left.shape()).isEqualTo(Shape.of(2, COLUMNS));
        assertThat(row(left, 0)).isEqualTo(row(tensor, 0));
        assertThat(row(left, 1)).isEqualTo(row(tensor, 3));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q6_K", "Q4_K"})
    void keepsTheEncodingOfWholeBlocksOfColumns(Encoding encoding) {
        Tensor tensor = random(encoding, ROWS, COLUMNS);
        int[] kept = new int[256];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = 256 + i;
        }

        Tensor left = Cut.columns(kept).apply(tensor);

        assertThat(left.encoding()).isEqualTo(encoding);
        assertColumns(left, tensor, kept);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q6_K", "Q4_K"})
    void decodesColumnsThatAreNotWholeBlocks(Encoding encoding) {
        Tensor tensor = random(encoding, ROWS, COLUMNS);
        int[] kept = {1, 2, 40, 511};

        Tensor left = Cut.columns(kept).apply(tensor);

        assertThat(left.encoding()).isEqualTo(encoding.blockElements() == 1 ? encoding : Encoding.F32);
        assertColumns(left, tensor, kept);
    }

    @Test
    void cutsEachMatrixOfAStackByItsOwnList() {
        Tensor flat = random(Encoding.F32, 6, 4);
        Tensor stack = new Tensor("stack", Encoding.F32, Shape.of(2, 3, 4), flat.data());

        Tensor rows = new Cut(Cut.Axis.ROWS, List.of(new int[] {0, 2}, new int[] {1, 2})).apply(stack);
        Tensor columns = new Cut(Cut.Axis.COLUMNS, List.of(new int[] {3}, new int[] {0})).apply(stack);

        assertThat(rows.shape()).isEqualTo(Shape.of(2, 2, 4));
        assertThat(row(rows, 2)).isEqualTo(row(flat, 4));
        assertThat(row(rows, 3)).isEqualTo(row(flat, 5));
        assertThat(columns.shape()).isEqualTo(Shape.of(2, 3, 1));
        assertThat(row(columns, 2)).containsExactly(row(flat, 2)[3]);
        assertThat(row(columns, 5)).containsExactly(row(flat, 5)[0]);
    }

    @Test
    void takesAVectorForOneRow() {
        Tensor bias = new Tensor(
                "bias", Encoding.F32, Shape.of(8), random(Encoding.F32, 1, 8).data());

        Tensor left = Cut.columns(2, 7).apply(bias);

        assertThat(left.shape()).isEqualTo(Shape.of(2));
        assertThat(row(left, 0)).containsExactly(row(bias, 0)[2], row(bias, 0)[7]);
        assertThatThrownBy(() -> Cut.rows(0).apply(bias)).isInstanceOf(BadCheckpoint.class);
    }

    @Test
    void refusesWhatIsNotThere() {
        Tensor tensor = random(Encoding.F32, ROWS, 8);

        assertThatThrownBy(() -> Cut.rows(1, 5).apply(tensor))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining("ROWS to 5")
                .hasMessageContaining("[5, 8]");
        assertThatThrownBy(() -> Cut.columns(8).apply(tensor)).isInstanceOf(BadCheckpoint.class);
        assertThatThrownBy(() -> new Cut(Cut.Axis.ROWS, List.of(new int[] {0}, new int[] {0})).apply(tensor))
                .isInstanceOf(BadCheckpoint.class);
    }

    @Test
    void refusesListsThatAreNone() {
        assertThatThrownBy(Cut::rows).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> Cut.rows(-1, 2)).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> Cut.rows(2, 2)).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> new Cut(Cut.Axis.ROWS, List.of())).isInstanceOf(Internal.class);
        assertThatThrownBy(() -> new Cut(Cut.Axis.ROWS, List.of(new int[] {0}, new int[] {0, 1})))
                .isInstanceOf(Internal.class);
    }

    private static Tensor random(Encoding encoding, int rows, int columns) {
        Random random = new Random(7);
        float[] weights = new float[rows * columns];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian();
        }
        MemorySegment bytes = MemorySegment.ofArray(new byte[(int) encoding.sizeBytes(weights.length)]);
        Quantizer.encode(encoding, weights, bytes, 0);
        return new Tensor("random", encoding, Shape.of(rows, columns), bytes);
    }

    private static float[] row(Tensor tensor, int row) {
        float[] values = new float[(int) tensor.shape().columns()];
        Dequantizer.decodeRow(tensor, row, values, 0);
        return values;
    }

    private static void assertColumns(Tensor left, Tensor tensor, int[] kept) {
        assertThat(left.shape()).isEqualTo(Shape.of(ROWS, kept.length));
        for (int r = 0; r < ROWS; r++) {
            float[] before = row(tensor, r);
            float[] after = row(left, r);
            for (int i = 0; i < kept.length; i++) {
                assertThat(after[i]).isEqualTo(before[kept[i]]);
            }
        }
    }
}
