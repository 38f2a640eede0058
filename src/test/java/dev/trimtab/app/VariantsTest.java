package dev.trimtab.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.checkpoint.hub.HubOptions;
import dev.trimtab.compress.recipe.Recipe;
import dev.trimtab.engine.EngineListener;
import dev.trimtab.error.BadConfiguration;
import dev.trimtab.model.LoadListener;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.Variant;
import dev.trimtab.variant.VariantDeclaration;
import dev.trimtab.variant.VariantRegistry;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Several variants of one checkpoint in one process.
class VariantsTest {
    @TempDir
    private Path folder;

    @Test
    void servesEachUnderItsNameAndTheModelsNameForTheFirst() throws IOException {
        Files.writeString(
                folder.resolve("mixed.yaml"), "kv: {k: q8, v: q4}\nquantize: [{targets: attn, scheme: int8}]\n");
        Path file = Files.writeString(folder.resolve("trimtab.yaml"), """
                models:
                  - name: demo
                    source: embedded:demo
                    variants:
                      - {name: demo-int4, recipe: int4}
                      - {name: demo-mixed, recipe: mixed.yaml}
                """);

        try (Serving serving = start(ServingFile.read(file))) {
            VariantRegistry registry = serving.registry();
            Variant int4 = registry.get("demo-int4");
            Variant mixed = registry.get("demo-mixed");

            assertThat(registry.list()).containsExactly(int4, mixed);
            assertThat(registry.named().keySet()).containsExactly("demo-int4", "demo-mixed", "demo");
            assertThat(registry.get("demo")).isSameAs(int4);
            assertThat(number(int4, "weight_bytes")).isLessThan(number(mixed, "weight_bytes"));
            // 6 layers of 4 KV heads of 32 elements: 64 and 64 bytes, 34 and 18.
            assertThat(number(int4, "kv_bytes_per_token")).isEqualTo(24 * (64 + 64));
            assertThat(number(mixed, "kv_bytes_per_token")).isEqualTo(24 * (34 + 18));
            long packed = number(int4, "weight_bytes") + number(mixed, "weight_bytes");
            // The plan counts norms too, which are not packed.
            assertThat(serving.memoryPlan().weightBytes()).isBetween(packed, packed + packed / 100);
        }
    }

    @Test
    void servesWhatALockSaysAndRefusesAnother() throws IOException {
        Path recipe = folder.resolve("recipe.yaml");
        Files.writeString(recipe, "quantize: int8\n");
        Path file = Files.writeString(folder.resolve("trimtab.yaml"), """
                models:
                  - source: embedded:demo
                    variants: [{name: demo-locked, recipe: recipe.yaml, lock: recipe.lock}]
                """);
        try (Serving serving = start(ServingFile.read(file))) {
            assertThat(serving.registry().get("demo-locked")).isNotNull();
        }
        assertThat(folder.resolve("recipe.lock")).content().contains("\"form\" : \"int8\"");
        try (Serving serving = start(ServingFile.read(file))) {
            assertThat(serving.registry().get("demo-locked")).isNotNull();
        }

        Files.writeString(recipe, "quantize: int4\n");

        assertThatThrownBy(() -> start(ServingFile.read(file)))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("recipe.lock: recipe: expected");
    }

    @Test
    void refusesNamesThatStandForTwo() {
        VariantDeclaration twin = new VariantDeclaration("other", Optional.of(Recipe.of("int4", folder)));
        List<ModelDeclaration> models = List.of(
                new ModelDeclaration("other", new ModelSource.Embedded()),
                new ModelDeclaration("demo", new ModelSource.Embedded(), Backend.TRIMTAB, List.of(twin)));

        assertThatThrownBy(() -> start(models))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("two models are named `other`");
    }

    @Test
    void refusesRecipesForOtherBackends() {
        List<VariantDeclaration> variants =
                List.of(new VariantDeclaration("demo-int4", Optional.of(Recipe.of("int4", folder))));

        assertThatThrownBy(() -> new ModelDeclaration("demo", new ModelSource.Embedded(), Backend.LLAMA_CPP, variants))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("llama.cpp");
    }

    @Test
    void refusesAVariantWithoutARecipe() throws IOException {
        Path file = Files.writeString(
                folder.resolve("trimtab.yaml"), "models: [{source: 'embedded:demo', variants: [{name: a}]}]\n");

        assertThatThrownBy(() -> ServingFile.read(file))
                .isInstanceOf(BadConfiguration.class)
                .hasMessageContaining("a variant needs a `name` and a `recipe`");
    }

    private Serving start(List<ModelDeclaration> models) {
        HubOptions hub = new HubOptions(URI.create("http://127.0.0.1:1"), Optional.empty(), folder, HubOptions.STALL);
        return Serving.start(
                ServingOptions.of(models, hub), new VariantRegistry(), _ -> EngineListener.NONE, LoadListener.NONE);
    }

    private static long number(Variant variant, String fact) {
        return ((Number) variant.description().getOrDefault(fact, 0)).longValue();
    }
}
