package dev.trimtab.variant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.checkpoint.Checkpoint;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.engine.EngineOptions;
import dev.trimtab.model.ModelLoader;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a variant is said to take before it is loaded, which dry runs answer and the KV pool is planned from.
class VariantDemandTest {
    private static final Path DEMO = Path.of("src/main/resources/models/demo.gguf");

    /// The demo model: 6 layers of 4 KV heads of 32 elements, contexts of 1024 tokens.
    @ParameterizedTest
    @CsvSource({"'{}', 128", "'{kv: f32}', 256", "'{kv: q8}', 68", "'{kv: {k: q8, v: q4}}', 52"})
    void countsTheCacheAsTheRecipeHoldsIt(String recipe, long bytesPerHead) {
        var variant = new VariantDeclaration("demo", Optional.of(Recipe.parse("r.yaml", recipe)));
        var options = new VariantLoader.Options(ModelLoader.Options.SERVING, new EngineOptions(8, 64, 16));

        try (Checkpoint checkpoint = Checkpoint.open(DEMO)) {
            MemoryPlan.Demand demand = VariantLoader.demand(Backend.TRIMTAB, variant, checkpoint, options);

            assertThat(demand.kvBlockBytes()).isEqualTo(24 * 32 * bytesPerHead);
            assertThat(demand.kvFloorBytes()).isEqualTo(24 * 1024 * bytesPerHead);
            assertThat(demand.kvWishBytes()).isEqualTo(8 * demand.kvFloorBytes());
        }
    }
}
