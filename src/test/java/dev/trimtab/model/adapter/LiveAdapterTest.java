package dev.trimtab.model.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.trimtab.SharedData;
import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.adapter.LoraAdapter;
import dev.trimtab.checkpoint.adapter.TestAdapters;
import dev.trimtab.compress.adapter.MergedSource;
import dev.trimtab.kernel.Activations;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.ModelRun;
import dev.trimtab.model.adapter.AdapterShelf.Naming;
import dev.trimtab.oracle.LlamaCpp;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What adapters add to a forward pass: against llama.cpp, which applies the same files, and against weights that
/// have them merged in.
class LiveAdapterTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final int[] IDS = {1, 17, 300, 45, 9, 120, 77, 5, 260, 31};

    /// Sums in another order.
    private static final float F32_TOLERANCE = 2e-3f;

    /// llama.cpp rounds activations to f16 before products with F16 weights.
    private static final float F16_TOLERANCE = 2e-1f;

    @TempDir
    private Path folder;

    private Path adapter(Path base, int rank, long seed) {
        try (Checkpoint checkpoint = Checkpoint.open(base)) {
            return TestAdapters.random(checkpoint, rank, seed, TestAdapters.LAYERS)
                    .write(folder.resolve("adapter-" + seed + ".gguf"));
        }
    }

    private Path peftAdapter(Path base, int rank, long seed, int headDim) {
        try (Checkpoint checkpoint = Checkpoint.open(base)) {
            return TestAdapters.random(checkpoint, rank, seed, TestAdapters.LAYERS)
                    .writeFolder(folder.resolve("peft-" + seed), headDim, "");
        }
    }

    private static void load(ModelRun run, String name, Path path) {
        try (LoraAdapter adapter = LoraAdapter.open(path)) {
            run.model().adapters().load(name, adapter, 1, Naming.NEW);
        }
    }

    private static float[][] logits(ModelRun run, Map<String, Float> scales) {
        try (AdapterShelf.Lease lease = run.model().adapters().lease(scales)) {
            Activations found = run.with(lease.mix()).append(IDS);
            float[][] rows = new float[IDS.length][];
            Arrays.setAll(
                    rows,
                    i -> Arrays.copyOfRange(found.values(), i * found.stride(), i * found.stride() + found.columns()));
            return rows;
        }
    }

    private static void assertClose(float[][] found, float[][] expected, float tolerance) {
        for (int token = 0; token < expected.length; token++) {
            for (int i = 0; i < expected[token].length; i++) {
                assertThat(found[token][i])
                        .as("token %d, logit %d", token, i)
                        .isCloseTo(expected[token][i], within(tolerance));
            }
        }
    }

    private static float distance(float[][] one, float[][] other) {
        float distance = 0;
        for (int token = 0; token < one.length; token++) {
            for (int i = 0; i < one[token].length; i++) {
                distance = Math.max(distance, Math.abs(one[token][i] - other[token][i]));
            }
        }
        return distance;
    }

    private void assertAsLlamaCpp(Path base, float tolerance) {
        Path first = adapter(base, 8, 1);
        Path second = adapter(base, 3, 2);

        try (ModelRun ours = ModelRun.of(base, ModelLoader.Options.EXACT);
                LlamaCpp theirs = LlamaCpp.open(base, 64)) {
            load(ours, "first", first);
            load(ours, "second", second);
            float[][] plain = theirs.logits(IDS);
            theirs.adapt(first, 0.7f);
            float[][] one = theirs.logits(IDS);
            theirs.adapt(second, -0.4f);
            float[][] both = theirs.logits(IDS);

            assertThat(distance(plain, one)).isGreaterThan(10 * tolerance);
            assertThat(distance(one, both)).isGreaterThan(10 * tolerance);
            assertClose(logits(ours, Map.of()), plain, tolerance);
            assertClose(logits(ours, Map.of("first", 0.7f)), one, tolerance);
            assertClose(logits(ours, Map.of("first", 0.7f, "second", -0.4f)), both, tolerance);
            assertClose(logits(ours, Map.of("first", 0f)), plain, tolerance);
        }
    }

    @Test
    void addsWhatLlamaCppAddsToF32Weights() {
        assertAsLlamaCpp(SharedData.path("models/TinyStories-656K/TinyStories-656K.F32.gguf"), F32_TOLERANCE);
    }

    @Test
    void addsWhatLlamaCppAddsToTheEmbeddedModel() {
        assertAsLlamaCpp(DEMO, F16_TOLERANCE);
    }

    @Test
    void equalsMergedWeights() {
        Path first = adapter(DEMO, 8, 1);
        Path second = adapter(DEMO, 5, 2);

        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                LoraAdapter one = LoraAdapter.open(first);
                LoraAdapter other = LoraAdapter.open(second);
                ModelRun live = ModelRun.of(checkpoint, ModelLoader.Options.EXACT);
                ModelRun merged = ModelRun.of(
                        new MergedSource(
                                checkpoint,
                                List.of(new MergedSource.Merging(one, 0.5f), new MergedSource.Merging(other, -1f))),
                        ModelLoader.Options.EXACT)) {
            load(live, "first", first);
            load(live, "second", second);

            float[][] expected = logits(merged, Map.of());

            // Merged weights were rounded to F16 again.
            assertThat(distance(logits(live, Map.of()), expected)).isGreaterThan(1);
            assertClose(logits(live, Map.of("first", 0.5f, "second", -1f)), expected, 0.1f);
        }
    }

    /// The same adapter in both formats, over the same model in both.
    @Test
    void rowsOfQueriesAndKeysFollowTheBase() {
        Path gguf = SharedData.path("models/demo/trimtab-demo-4m-f16.gguf");
        Path hf = SharedData.path("models/demo/hf");
        Path adapter = adapter(gguf, 4, 7);
        Path peft = peftAdapter(gguf, 4, 7, 32);

        try (ModelRun ofGguf = ModelRun.of(gguf, ModelLoader.Options.EXACT);
                ModelRun ofFolder = ModelRun.of(hf, ModelLoader.Options.EXACT)) {
            load(ofGguf, "gguf", adapter);
            load(ofGguf, "peft", peft);
            load(ofFolder, "gguf", adapter);
            load(ofFolder, "peft", peft);

            float[][] expected = logits(ofGguf, Map.of("gguf", 1f));

            assertThat(distance(logits(ofGguf, Map.of()), expected)).isGreaterThan(1);
            assertThat(logits(ofGguf, Map.of("peft", 1f))).isDeepEqualTo(expected);
            // The folder's norms are rounded to F16.
            assertClose(logits(ofFolder, Map.of("gguf", 1f)), expected, 2e-2f);
            assertThat(logits(ofFolder, Map.of("peft", 1f))).isDeepEqualTo(logits(ofFolder, Map.of("gguf", 1f)));
        }
    }
}
