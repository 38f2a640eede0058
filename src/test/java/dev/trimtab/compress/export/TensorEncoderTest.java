package dev.trimtab.compress.export;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.FamilyModel;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.kernel.PackedMatrix;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import dev.trimtab.tensor.TensorForm;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Tensors of files against the packed weights that they are exported from.
class TensorEncoderTest {
    @ParameterizedTest
    @CsvSource({
        "INT8, 96, Q8_0",
        "INT6, 96, Q8_0",
        "INT5, 256, Q5_0",
        "INT5_ASYMMETRIC, 96, Q5_1",
        "INT4, 256, Q4_0",
        "INT4_ASYMMETRIC, 96, Q4_1",
        "INT3, 96, Q4_0",
        "INT3_ASYMMETRIC, 256, Q4_1",
        "INT2, 96, Q4_0",
        "INT2_ASYMMETRIC, 96, Q4_1",
        "BF16, 40, BF16",
        "F16, 40, F16"
    })
    void decodesToWhatIsPacked(PackedFormat format, int columns, Encoding encoding) {
        Tensor tensor = random(37, columns, 1);
        FileEncoding how = FileEncoding.of(new TensorForm.Dense(tensor), Optional.of(format));
        assertThat(how.encoding()).isEqualTo(encoding);

        try (Arena arena = Arena.ofShared();
                ComputePool pool = new ComputePool(2)) {
            PackedMatrix packed = PackedMatrix.pack(tensor, format, pool, arena);
            Tensor found = new TensorEncoder(pool, arena).encode("w", new TensorForm.Dense(tensor), how);

            assertThat(found.encoding()).isEqualTo(encoding);
            float[] expectedRow = new float[columns];
            float[] row = new float[columns];
            for (int i = 0; i < 37; i++) {
                packed.row(i, expectedRow, 0);
                Dequantizer.decodeRow(found, i, row, 0);
                assertThat(row).as("row %d", i).isEqualTo(expectedRow);
            }
        }
    }

    @Test
    void keepsNumbersThatF16DoesNotHold() {
        Tensor tensor = random(3, 32, 1e5);
        FileEncoding how = FileEncoding.of(new TensorForm.Dense(tensor), Optional.of(PackedFormat.F16));

        try (Arena arena = Arena.ofShared();
                ComputePool pool = new ComputePool(1)) {
            Tensor found = new TensorEncoder(pool, arena).encode("w", new TensorForm.Dense(tensor), how);

            assertThat(found.encoding()).isEqualTo(Encoding.F32);
            assertThat(found.data().mismatch(tensor.data())).isEqualTo(-1);
        }
    }

    private static Tensor random(int rows, int columns, double deviation) {
        Random random = new Random(5);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return FamilyModel.plain("w", values, rows, columns);
    }
}
