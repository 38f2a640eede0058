package dev.trimtab.quality;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.Compression;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.kernel.ComputePool;
import dev.trimtab.kernel.Kernels;
import dev.trimtab.model.LoadListener;
import dev.trimtab.model.Model;
import dev.trimtab.model.ModelLoader;
import dev.trimtab.tokenizer.Tokenizer;
import dev.trimtab.variant.RecipeLoader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What recipes cost the demo model, from recipe to logits: within the bounds that the formats alone are held
/// to ([PackedDivergenceTest]), and more than nothing, so that a recipe which is not carried out is noticed.
class RecipeDivergenceTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");
    private static final int WINDOW = 128;
    private static final int TOKENS = 4096;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        quantize: f16                                                        | -1e-9 | 1e-6   | 0.999
        quantize: int8                                                       | 1e-6  | 5e-5   | 0.995
        quantize: int4                                                       | 5e-4  | 0.0033 | 0.976
        quantize: [{scheme: int4}, {targets: [attn, head], scheme: int8}]    | 5e-5  | 0.0033 | 0.976
        kv: q8                                                               | 5e-7  | 1e-5   | 0.997
        kv: {k: q8, v: q4}                                                   | 5e-5  | 4.5e-4 | 0.99
        """)
    void staysWithinTheBoundsOfItsFormats(String recipe, double natsMin, double natsMax, double sameTopMin)
            throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                ComputePool pool = new ComputePool(ComputePool.defaultThreads());
                Model reference = load(checkpoint, pool, Recipe.KEEP, ModelLoader.Options.EXACT);
                Model variant = load(checkpoint, pool, Recipe.parse("r.yaml", recipe), ModelLoader.Options.SERVING)) {
            TextWindows windows =
                    TextWindows.of(Tokenizer.of(checkpoint.metadata()), PackedDivergenceTest.chats(), WINDOW, TOKENS);

            Divergence found = DivergenceProbe.measure(reference, variant, windows);

            assertThat(found.meanNats()).isBetween(natsMin, natsMax);
            assertThat(found.sameTop()).isGreaterThanOrEqualTo(sameTopMin);
        }
    }

    /// Every stage and method once, each within what it cost when it was written plus a half: a method that stops
    /// working is far outside.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        quantize: [{bits: 4, rounding: importance}]                           | 0.008
        quantize: [{bits: 4, asymmetric: true, group: 64, rounding: hqq}]     | 0.008
        quantize: [{bits: 4, rounding: gptq}]                                 | 0.008
        quantize: [{bits: 4, rounding: gptq, act_order: true}]                | 0.008
        quantize: [{bits: 4, rounding: awq}]                                  | 0.008
        {quantize: int4, compensate: [{method: lqer, budget_mb: 1}]}          | 0.008
        quantize: [{scheme: q4_k, rounding: importance}]                      | 0.008
        quantize: [{scheme: mxfp4}]                                           | 0.03
        quantize: [{scheme: fp8_e4m3}]                                        | 0.003
        quantize: [{scheme: int8_sym_row}]                                    | 0.003
        quantize: [{scheme: codebook16}]                                      | 0.03
        quantize: [{scheme: codebook16, rounding: gptq}]                      | 0.03
        {quantize: int4, compensate: [{method: lqer, targets: [ffn], rank: 8}]}     | 0.008
        {quantize: int4, compensate: [{method: eora, targets: [attn, ffn]}]}        | 0.008
        {quantize: int4, compensate: [{method: l2qer, iterations: 2}]}              | 0.008
        {prune: [{method: wanda, sparsity: 0.2}], quantize: int8}             | 0.02
        {prune: [{method: obd, sparsity: 0.2}], quantize: int8}               | 0.02
        {prune: [{method: sparsegpt, sparsity: 0.5, structure: '2:4', targets: [ffn]}]} | 0.4
        {prune: [{method: wanda, sparsity: 0.1, structure: vector, targets: [ffn]}]}    | 0.2
        {prune: [{method: flap, targets: [ffn], ratio: 0.1, compensate: lsq}]}          | 0.1
        {prune: [{method: flap, targets: [ffn], ratio: 0.1, compensate: bias}]}         | 0.2
        {prune: [{method: apoz, targets: [ffn], ratio: 0.1}]}                 | 0.5
        {lowrank: [{method: svd, whiten: full, targets: [ffn], energy: 0.999}]}         | 0.1
        """)
    void carriesOutEveryStage(String recipe, double natsMax) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(DEMO);
                ComputePool pool = new ComputePool(ComputePool.defaultThreads());
                Model reference = load(checkpoint, pool, Recipe.KEEP, ModelLoader.Options.EXACT);
                Model variant = load(checkpoint, pool, Recipe.parse("r.yaml", recipe), ModelLoader.Options.SERVING)) {
            TextWindows windows =
                    TextWindows.of(Tokenizer.of(checkpoint.metadata()), PackedDivergenceTest.chats(), WINDOW, TOKENS);

            Divergence found = DivergenceProbe.measure(reference, variant, windows);

            assertThat(found.meanNats()).isBetween(1e-6, natsMax);
        }
    }

    private static Model load(Checkpoint checkpoint, ComputePool pool, Recipe recipe, ModelLoader.Options options) {
        var capacity = new Model.Capacity(DivergenceProbe.BATCH_TOKENS, DivergenceProbe.BATCH_TOKENS);
        var loader = new RecipeLoader(new ModelLoader.Packing(Kernels.best(pool)), pool, Optional.empty());
        var request = new RecipeLoader.Request(checkpoint, recipe, options, capacity);
        return checkpoint.reading(() -> loader.load(request, LoadListener.NONE, Compression.Progress.NONE)
                .model());
    }
}
