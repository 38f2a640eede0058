package dev.trimtab.quality.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.TestCheckpoints;
import dev.trimtab.compress.calibration.CalibrationSource.Influence;
import dev.trimtab.compress.calibration.Covariance;
import dev.trimtab.compress.calibration.InputStatistics;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.quality.TextWindows;
import dev.trimtab.tensor.Dequantizer;
import dev.trimtab.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCalibrationTest {
    private static final int LAYERS = 3;
    private static final int HIDDEN = 64;

    @TempDir
    private Path folder;

    private final ComputePool pool = new ComputePool(2);
    private final Checkpoint checkpoint =
            TestCheckpoints.llama().layers(LAYERS).hiddenSize(HIDDEN).open();
    private final AtomicInteger loads = new AtomicInteger();

    @AfterEach
    void close() {
        checkpoint.close();
        pool.close();
    }

    private ModelCalibration calibration(Optional<Path> kept, TextWindows windows) {
        Function<LoadListener, Model> load = listener -> {
            loads.incrementAndGet();
            return ModelLoader.load(
                    checkpoint,
                    new ModelLoader.Packing(Kernels.scalar(pool)),
                    ModelLoader.Options.EXACT,
                    ModelCalibration.CAPACITY,
                    listener);
        };
        CalibrationText text = CalibrationText.of(windows);
        return new ModelCalibration(new ModelCalibration.Request("weights", text, pool, load, kept));
    }

    /// Several windows, one of more than a batch.
    private static TextWindows windows() {
        Random random = new Random(5);
        return new TextWindows(Stream.of(20, 90, 7)
                .map(length -> random.ints(length, 0, 256).toArray())
                .toList());
    }

    /// The input of the first matrix of a model is the normed embedding: by hand, from the tensors.
    @Test
    void seesTheNormedEmbeddingBeforeTheFirstMatrix() {
        double[][] expected = normedEmbeddings();

        try (ModelCalibration calibration = calibration(Optional.empty(), windows())) {
            InputStatistics found = calibration.inputs("blk.0.attn_k.weight").statistics();
            Covariance covariance = calibration.inputs("blk.0.attn_v.weight").covariance();

            assertThat(found.tokens()).isEqualTo(117);
            for (int i = 0; i < HIDDEN; i++) {
                for (int j = 0; j < HIDDEN; j++) {
                    double product = 0;
                    for (double[] x : expected) {
                        product += x[i] * x[j] / expected.length;
                    }
                    assertThat((double) covariance.at(i, j)).isCloseTo(product, within(1e-4));
                }
                assertThat(found.meanSquare()[i]).isCloseTo(covariance.at(i, i), within(1e-4f));
            }
        }
    }

    private double[][] normedEmbeddings() {
        Tensor embedding = checkpoint.tensor("token_embd.weight");
        float[] weight = new float[HIDDEN];
        Dequantizer.decodeRow(checkpoint.tensor("blk.0.attn_norm.weight"), 0, weight, 0);
        List<double[]> vectors = new ArrayList<>();
        for (int[] window : windows().windows()) {
            for (int id : window) {
                float[] row = new float[HIDDEN];
                Dequantizer.decodeRow(embedding, id, row, 0);
                double squares = 0;
                for (float value : row) {
                    squares += (double) value * value / HIDDEN;
                }
                double[] normed = new double[HIDDEN];
                for (int i = 0; i < HIDDEN; i++) {
                    normed[i] = row[i] / Math.sqrt(squares + 1e-5) * weight[i];
                }
                vectors.add(normed);
            }
        }
        return vectors.toArray(double[][]::new);
    }

    /// The diagonal of a covariance is the mean square that another pass found, in every layer and for every
    /// input, though the walk runs each layer from where the last one ended.
    @Test
    void walksTheLayersAsOnePassDoes() {
        List<String> matrices = List.of("attn_q", "attn_output", "ffn_up", "ffn_gate", "ffn_down");
        try (ModelCalibration calibration = calibration(Optional.empty(), windows())) {
            for (int layer : new int[] {0, 1, 2, 1, 0, 2}) {
                for (String matrix : matrices) {
                    assertDiagonalIsMeanSquare(calibration, "blk." + layer + "." + matrix + ".weight");
                }
            }
            assertDiagonalIsMeanSquare(calibration, "token_embd.weight");
        }
    }

    private static void assertDiagonalIsMeanSquare(ModelCalibration calibration, String name) {
        InputStatistics statistics = calibration.inputs(name).statistics();
        Covariance covariance = calibration.inputs(name).covariance();
        assertThat(covariance.size()).isEqualTo(statistics.columns());
        for (int i = 0; i < covariance.size(); i++) {
            float expected = statistics.meanSquare()[i];
            assertThat(covariance.at(i, i)).as(name).isCloseTo(expected, within(1e-5f * Math.max(1, expected)));
        }
    }

    @Test
    void keepsStatisticsOnDiskAndLoadsNoModelForThem() {
        InputStatistics first;
        Influence influence;
        try (ModelCalibration calibration = calibration(Optional.of(folder), windows())) {
            first = calibration.inputs("blk.2.ffn_down.weight").statistics();
            influence = calibration.influence(1);
        }

        try (ModelCalibration again = calibration(Optional.of(folder), windows())) {
            InputStatistics second = again.inputs("blk.2.ffn_down.weight").statistics();

            assertThat(second.meanMagnitude()).isEqualTo(first.meanMagnitude());
            assertThat(again.influence(1)).isEqualTo(influence);
            assertThat(loads).hasValue(1);
        }
    }

    @Test
    void makesCorruptStatisticsAnew() throws IOException {
        try (ModelCalibration calibration = calibration(Optional.of(folder), windows())) {
            calibration.influence(0);
        }
        Path file = onlyFile();
        byte[] whole = Files.readAllBytes(file);
        for (int at : new int[] {0, 9, 40, 85, whole.length / 2, whole.length - 1}) {
            byte[] broken = whole.clone();
            broken[at] ^= 0x40;
            Files.write(file, broken);
            assertIsMadeAnew(file, whole);
        }
        Files.write(file, Arrays.copyOf(whole, whole.length / 3));
        assertIsMadeAnew(file, whole);
    }

    private void assertIsMadeAnew(Path file, byte[] expected) throws IOException {
        int before = loads.get();
        try (ModelCalibration calibration = calibration(Optional.of(folder), windows())) {
            calibration.influence(0);
        }
        assertThat(loads).hasValue(before + 1);
        assertThat(Files.size(file)).isEqualTo(expected.length);
    }

    private Path onlyFile() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> found = files.toList();
            assertThat(found).hasSize(1);
            return found.getFirst();
        }
    }

    @Test
    void hasAnotherDigestForAnotherText() {
        TextWindows other = new TextWindows(List.of(new int[] {1, 2, 3}));
        try (ModelCalibration one = calibration(Optional.empty(), windows());
                ModelCalibration same = calibration(Optional.empty(), windows());
                ModelCalibration two = calibration(Optional.empty(), other)) {
            assertThat(one.digest()).isEqualTo(same.digest()).isNotEqualTo(two.digest());
        }
    }

    @Test
    void measuresWhatEachLayerDoesToTheStream() {
        try (ModelCalibration calibration = calibration(Optional.empty(), windows())) {
            for (int layer = 0; layer < LAYERS; layer++) {
                Influence found = calibration.influence(layer);
                assertThat(found.layer()).isBetween(1e-6, 2.0);
                assertThat(found.attention()).isBetween(1e-9, 2.0);
                assertThat(found.feedForward()).isBetween(1e-9, 2.0);
            }
            assertThatThrownBy(() -> calibration.influence(LAYERS))
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining("found 3");
        }
    }

    @Test
    void givesSharesOfNearZeroInputs() {
        try (ModelCalibration calibration = calibration(Optional.empty(), windows())) {
            float[] few = calibration.nearZero("blk.0.ffn_down.weight", 0.01f);
            float[] many = calibration.nearZero("blk.0.ffn_down.weight", 1f);

            for (int i = 0; i < few.length; i++) {
                assertThat(few[i]).isLessThanOrEqualTo(many[i]);
            }
            assertThat(many).hasSize(128);
            assertThat(many[0]).isBetween(0.3f, 1f);
        }
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        try (ModelCalibration calibration = calibration(Optional.empty(), windows())) {
            assertThatThrownBy(() -> calibration.inputs("blk.9.attn_q.weight"))
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining("blk.9.attn_q.weight");
        }
    }
}
