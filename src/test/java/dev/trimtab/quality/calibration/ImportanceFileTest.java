package dev.trimtab.quality.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.compress.calibration.Inputs;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Shape;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Files in llama.cpp's layout, written by our own writer.
class ImportanceFileTest {
    @TempDir
    private Path folder;

    private Path file = Path.of("");

    @BeforeEach
    void name() {
        file = folder.resolve("imatrix.gguf");
    }

    private static GgufWriter imatrix() {
        return new GgufWriter()
                .text("general.type", "imatrix")
                .texts("imatrix.datasets", List.of("text.txt"))
                .uint32("imatrix.chunk_count", 2)
                .uint32("imatrix.chunk_size", 512);
    }

    private static Tensor floats(String name, int rows, float... values) {
        MemorySegment data = MemorySegment.ofArray(new byte[Float.BYTES * values.length]);
        for (int i = 0; i < values.length; i++) {
            data.set(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 4L * i, values[i]);
        }
        return new Tensor(name, Encoding.F32, Shape.of(rows, values.length / rows), data);
    }

    @Test
    void givesTheMeanSquares() {
        imatrix()
                .tensor(floats("blk.0.attn_q.weight.in_sum2", 1, 8, 2, 0, 4))
                .tensor(floats("blk.0.attn_q.weight.counts", 1, 4))
                .tensor(floats("blk.0.ffn_down_exps.weight.in_sum2", 2, 1, 2, 3, 4))
                .tensor(floats("blk.0.ffn_down_exps.weight.counts", 2, 1, 3))
                .write(file);

        ImportanceFile found = ImportanceFile.open(file);

        InputStatistics shared = found.inputs("blk.0.attn_v.weight").statistics();
        assertThat(shared.tokens()).isEqualTo(4);
        assertThat(shared.meanSquare()).containsExactly(2, 0.5f, 0, 1);
        assertThat(shared.meanMagnitude()[3]).isCloseTo((float) Math.sqrt(2 / Math.PI), within(1e-6f));
        assertThat(found.inputs("blk.0.ffn_down_exps.weight").statistics().meanSquare())
                .containsExactly(1, 1.5f);
    }

    @Test
    void saysWhatItCannotTell() {
        imatrix()
                .tensor(floats("blk.0.attn_q.weight.in_sum2", 1, 8, 2))
                .tensor(floats("blk.0.attn_q.weight.counts", 1, 4))
                .write(file);

        ImportanceFile found = ImportanceFile.open(file);
        Inputs inputs = found.inputs("blk.0.attn_q.weight");

        assertThatThrownBy(inputs::covariance)
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("imatrix.gguf")
                .hasMessageContaining("blk.0.attn_q.weight");
        assertThatThrownBy(() -> found.inputs("blk.7.attn_q.weight"))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("blk.7.attn_q.weight");
        assertThatThrownBy(() -> found.influence(0)).isInstanceOf(BadConfiguration.class);
        assertThatThrownBy(() -> found.nearZero("blk.0.attn_q.weight", 0.1f)).isInstanceOf(BadConfiguration.class);
    }

    @Test
    void refusesWhatContradictsItself() {
        assertRefused(new GgufWriter().text("general.type", "model"), "general.type");
        assertRefused(imatrix(), "in_sum2");
        assertRefused(imatrix().tensor(floats("a.in_sum2", 1, 1, 2)), "a.counts");
        assertRefused(
                imatrix().tensor(floats("a.in_sum2", 1, 1, 2)).tensor(floats("a.counts", 2, 1, 1)), "as many counts");
        assertRefused(
                imatrix().tensor(floats("a.in_sum2", 1, 1, 2)).tensor(floats("a.counts", 1, 0)), "positive count");
        assertRefused(
                imatrix().tensor(floats("a.in_sum2", 1, 1, Float.NaN)).tensor(floats("a.counts", 1, 2)), "column 1");
        assertRefused(
                imatrix().tensor(floats("a.in_sum2", 1, 1, 2)).tensor(floats("a.counts", 1, Float.POSITIVE_INFINITY)),
                "positive count");
    }

    private void assertRefused(GgufWriter writer, String message) {
        writer.write(file);
        assertThatThrownBy(() -> ImportanceFile.open(file))
                .isInstanceOf(BadCheckpoint.class)
                .hasMessageContaining(message);
    }
}
