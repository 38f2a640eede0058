package dev.trimtab.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.ResidentPages;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.kernel.ActivationPrecision;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.kernel.KvEncodings;
import dev.trimtab.kernel.PackedFormat;
import dev.trimtab.quality.SyntheticCheckpoint;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a load leaves resident of the file it read.
class SourcePagesTest {
    /// The header with the vocabulary, and what the system reads ahead around the last tensors.
    private static final long REST_BYTES = 16 << 20;

    @TempDir
    private Path folder;

    @Test
    void loadLeavesNextToNothingOfItsSourceResident() throws IOException {
        Path file = folder.resolve("synthetic.gguf");
        SyntheticCheckpoint.SMOLLM_135M.write(file);
        var options = new ModelLoader.Options(
                WeightFormats.uniform(PackedFormat.INT4), ActivationPrecision.INT8, KvEncodings.F16);
        try (Checkpoint checkpoint = Checkpoint.open(file);
                ComputePool pool = new ComputePool(ComputePool.defaultThreads())) {
            Kernels kernels = Kernels.best(pool);

            Model model = checkpoint.reading(() -> ModelLoader.load(
                    checkpoint,
                    new ModelLoader.Packing(kernels),
                    options,
                    new Model.Capacity(1, 1),
                    LoadListener.NONE));

            try (model) {
                assertThat(model.weightBytes()).isGreaterThan(60L << 20);
                assertThat(ResidentPages.of(file)).isLessThan(REST_BYTES);
            }
        }
    }
}
