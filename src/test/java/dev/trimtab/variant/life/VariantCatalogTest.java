package dev.trimtab.variant.life;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trimtab.error.Forbidden;
import dev.trimtab.error.InvalidRequest;
import dev.trimtab.error.TooLarge;
import dev.trimtab.variant.Backend;
import dev.trimtab.variant.ModelDeclaration;
import dev.trimtab.variant.ModelRoot;
import dev.trimtab.variant.ModelSource;
import dev.trimtab.variant.VariantDeclaration.Pin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VariantCatalogTest {
    @TempDir
    private Path folder;

    private VariantCatalog catalog;

    @BeforeEach
    void makeCatalog() throws IOException {
        Files.writeString(folder.resolve("tiny.gguf"), "tiny");
        Files.writeString(folder.resolve("recipe.yaml"), "quantize: int4");
        catalog = new VariantCatalog(
                List.of(
                        new ModelDeclaration("demo", new ModelSource.Embedded()),
                        new ModelDeclaration("llama", new ModelSource.Embedded(), Backend.LLAMA_CPP)),
                ModelRoot.of(folder));
    }

    @Test
    void takesDeclaredModelsAndFilesBelowTheRoot() throws IOException {
        VariantOrder declared = order("demo", "int4");
        VariantOrder file = order("tiny.gguf", null);

        assertThat(declared.source()).isInstanceOf(ModelSource.Embedded.class);
        assertThat(declared.model()).isEqualTo("demo");
        assertThat(declared.variant().recipe())
                .hasValueSatisfying(recipe -> assertThat(recipe).hasToString("int4"));
        assertThat(declared.variant().pin()).isEqualTo(Pin.EVICTABLE);
        assertThat(file.source())
                .isEqualTo(new ModelSource.Local(folder.toRealPath().resolve("tiny.gguf")));
        assertThat(file.model()).isEqualTo("tiny");
        assertThat(file.variant().recipe()).isEmpty();
    }

    @Test
    void takesRecipesAsYamlAndAsJson() {
        String json = "{\"kv\":\"q8\",\"quantize\":[{\"targets\":\"attn\",\"scheme\":\"int8\"}]}";

        assertThat(order("demo", json).variant().recipe().orElseThrow().kv()).isPresent();
        assertThat(order("demo", "kv: q8\nquantize: int4\n")
                        .variant()
                        .recipe()
                        .orElseThrow()
                        .kv())
                .isPresent();
        assertThat(order("demo", json).variant().recipe().orElseThrow().name())
                .isEqualTo(order("demo", json).variant().recipe().orElseThrow().name())
                .startsWith("inline:");
    }

    @ParameterizedTest
    @ValueSource(strings = {"int99", "recipe.yaml", "../recipe.yaml", "/etc/passwd", "quantise: int4", "{", "[]", ""})
    void refusesWhatIsNoRecipeAndReadsNoFileForIt(String recipe) {
        assertThatThrownBy(() -> order("demo", recipe))
                .isInstanceOfSatisfying(
                        InvalidRequest.class,
                        refused -> assertThat(refused.param()).isEqualTo("recipe"))
                .hasMessageNotContaining("root:");
    }

    @Test
    void hasLimitsOnNamesAndRecipes() {
        assertThatThrownBy(() -> order("demo", "# " + "x".repeat(VariantCatalog.RECIPE_LENGTH_MAX)))
                .isInstanceOf(TooLarge.class);
        for (String name : new String[] {"", "a b", "../a", "x".repeat(200), "a\nb"}) {
            assertThatThrownBy(() -> catalog.order(new VariantRequest(name, "demo", Optional.empty(), Pin.EVICTABLE)))
                    .as(name)
                    .isInstanceOf(InvalidRequest.class);
        }
    }

    @Test
    void refusesFilesOutsideTheRootAndOtherSources() {
        for (String model : new String[] {"../tiny.gguf", "/etc/passwd"}) {
            assertThatThrownBy(() -> order(model, null)).isInstanceOf(Forbidden.class);
        }
        VariantCatalog rootless = new VariantCatalog(List.of(), ModelRoot.NONE);
        for (String model : new String[] {"demo", "embedded:demo", "hf:org/name"}) {
            assertThatThrownBy(() -> rootless.order(new VariantRequest("a", model, Optional.empty(), Pin.EVICTABLE)))
                    .isInstanceOf(Forbidden.class);
        }
    }

    @Test
    void refusesRecipesForOtherBackends() {
        assertThatThrownBy(() -> order("llama", "int4"))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("llama.cpp");
        assertThat(order("llama", null).backend()).isEqualTo(Backend.LLAMA_CPP);
    }

    private VariantOrder order(String model, @Nullable String recipe) {
        return catalog.order(new VariantRequest("a", model, Optional.ofNullable(recipe), Pin.EVICTABLE));
    }
}
