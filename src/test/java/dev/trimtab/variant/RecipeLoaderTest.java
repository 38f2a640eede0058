package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.checkpoint.GgufWriter;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.error.BadCheckpoint;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.model.TensorStore;
import dev.trimtab.tensor.Encoding;
import dev.trimtab.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Recipes carried out on the embedded checkpoint: what variants share, what is freed, what is refused.
class RecipeLoaderTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final Model.Capacity CAPACITY = new Model.Capacity(64, 64);

    @TempDir
    private Path folder;

    private final TensorStore store = new TensorStore();
    private ComputePool pool;
    private RecipeLoader loader;
    private Checkpoint checkpoint;

    @BeforeEach
    void open() {
        pool = new ComputePool(ComputePool.defaultThreads());
        loader = new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool), store), pool, Optional.empty());
        checkpoint = Checkpoint.open(DEMO);
    }

    @AfterEach
    void close() {
        checkpoint.close();
        pool.close();
    }

    private Model load(Checkpoint from, String recipe) {
        var request =
                new RecipeLoader.Request(from, Recipe.parse("r.yaml", recipe), ModelLoader.Options.SERVING, CAPACITY);
        return from.reading(() -> loader.load(request, LoadListener.NONE, Compression.Progress.NONE)
                .model());
    }

    @Test
    void variantsThatDifferInTheFeedForwardBlocksShareTheRest() {
        try (Model int8 = load(checkpoint, "quantize: int8")) {
            long alone = store.sizeBytes();
            try (Model mixed = load(checkpoint, "quantize: [{scheme: int8}, {targets: [ffn], scheme: int4}]")) {
                long feedForward = mixed.weightBytes() - mixed.sharedBytes();

                assertThat(alone).isEqualTo(int8.weightBytes());
                assertThat(mixed.sharedBytes()).isEqualTo(int8.sharedBytes()).isPositive();
                assertThat(store.sizeBytes()).isEqualTo(alone + feedForward);
                assertThat(store.sharedBytes()).isEqualTo(mixed.sharedBytes());
            }
            assertThat(store.sizeBytes()).isEqualTo(alone);
            assertThat(store.sharedBytes()).isZero();
        }
        assertThat(store.sizeBytes()).isZero();
    }

    @Test
    void whatAMethodMakesIsSharedToo() {
        String recipe = "{quantize: [{scheme: int4, rounding: gptq}], compensate: [{targets: [ffn], rank: 8}]}";
        try (Model first = load(checkpoint, recipe);
                Model second = load(checkpoint, recipe)) {
            assertThat(second.sharedBytes()).isEqualTo(second.weightBytes()).isEqualTo(first.weightBytes());
            assertThat(store.sizeBytes()).isEqualTo(first.weightBytes());
        }
        assertThat(store.sizeBytes()).isZero();
    }

    @Test
    void removedUnitsTakeNoMemory() {
        try (Model whole = load(checkpoint, "quantize: int8");
                Model pruned = load(
                        checkpoint, "{prune: [{method: magnitude, targets: [ffn], ratio: 0.5}], quantize: int8}")) {
            assertThat(pruned.multiplyAddsPerToken()).isLessThan(whole.multiplyAddsPerToken());
            assertThat(pruned.weightBytes()).isLessThan(whole.weightBytes());
        }
    }

    @Test
    void carriesOutARecipeOfLlmCompressor() {
        String recipe = """
                quant_stage:
                  quant_modifiers:
                    GPTQModifier: {scheme: W4A16, targets: [Linear], ignore: [lm_head, "re:.*layers.0.*"]}
                """;

        try (Model base = load(checkpoint, "quantize: keep");
                Model small = load(checkpoint, recipe)) {
            assertThat(small.weightBytes()).isLessThan(base.weightBytes() / 2);
            assertThat(small.sharedBytes()).isPositive();
        }
    }

    @Test
    void refusesAWeightThatIsNoNumberAndKeepsNothing() {
        Path broken = withNaN();
        try (Checkpoint bad = Checkpoint.open(broken)) {
            assertThatThrownBy(() -> load(bad, "quantize: [{scheme: int4_asym, rounding: hqq}]"))
                    .isInstanceOf(BadCheckpoint.class)
                    .hasMessageContaining("blk.0.ffn_down.weight");
        }
        assertThat(store.sizeBytes()).isZero();
    }

    @Test
    void refusesFilesOfARecipeThatIsNone() {
        for (String recipe : new String[] {
            "{statistics: {corpus: 'file:/etc/passwd'}, quantize: [{scheme: int4, rounding: gptq}]}",
            "adapters: [{path: ../adapter.gguf}]"
        }) {
            assertThatThrownBy(() -> load(checkpoint, recipe))
                    .isInstanceOf(BadConfiguration.class)
                    .hasMessageContaining("a recipe that is no file cannot name one");
        }
        assertThat(store.sizeBytes()).isZero();
    }

    /// A copy of the checkpoint in which one weight is not a number.
    private Path withNaN() {
        Path file = folder.resolve("nan.gguf");
        GgufWriter writer = new GgufWriter();
        checkpoint.metadata().values().forEach(writer::put);
        for (Tensor tensor : checkpoint.tensors().values()) {
            writer.tensor(tensor.name().equals("blk.0.ffn_down.weight") ? poisoned(tensor) : tensor);
        }
        writer.write(file);
        return file;
    }

    private static Tensor poisoned(Tensor tensor) {
        assertThat(tensor.encoding()).isEqualTo(Encoding.F16);
        MemorySegment copy = MemorySegment.ofArray(tensor.data().toArray(ValueLayout.JAVA_BYTE));
        copy.set(ValueLayout.JAVA_SHORT_UNALIGNED, 100, (short) 0x7e00);
        return new Tensor(tensor.name(), tensor.encoding(), tensor.shape(), copy);
    }
}
